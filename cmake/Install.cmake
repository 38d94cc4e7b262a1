# `cmake --install`: the command, the rooms' headers and libraries, the report package, a CMake package file.
include(CMakePackageConfigHelpers)

install(DIRECTORY harness variants workloads DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/shadowwalk
  FILES_MATCHING PATTERN "*.hpp")
install(TARGETS shadowwalk_options EXPORT shadowwalk-targets)
install(EXPORT shadowwalk-targets NAMESPACE shadowwalk:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/shadowwalk)

configure_package_config_file(cmake/shadowwalk-config.cmake.in ${PROJECT_BINARY_DIR}/shadowwalk-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/shadowwalk)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/shadowwalk-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/shadowwalk-config.cmake ${PROJECT_BINARY_DIR}/shadowwalk-config-version.cmake
  cmake/Dependencies.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/shadowwalk)
