# `cmake --install`: the command, the rooms' headers and libraries, the report package, a CMake package file.
# (What a room's own CMakeLists.txt installs: its library, and for cli and reports the command, matrices and reports.)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shadowwalk)

install(DIRECTORY harness variants workloads DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/shadowwalk
  FILES_MATCHING PATTERN "*.hpp")
install(FILES LICENSE docs/attach.md docs/bench.md docs/doctor.md docs/host-kvm.md docs/kernel.md docs/matrix.md docs/model.md docs/probes.md
  docs/project.md docs/reports.md docs/result-format.md docs/trace-format.md docs/verify.md docs/workloads.md
  docs/writing-a-variant.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The kernel module's sources, which `shadowwalk kernel build` compiles, and dkms.
foreach(room guest kernel/module lab machine measure mmu os probes trace)
  install(DIRECTORY harness/${room}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk/harness/${room} USE_SOURCE_PERMISSIONS
    FILES_MATCHING PATTERN "*.hpp" REGEX "/(what_is_wrong|initial_state|grace_period_record|footprint)\\.cpp$"
      REGEX "/kernel/module/[^/]+$")
endforeach()
install(DIRECTORY variants workloads DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk
  FILES_MATCHING PATTERN "*.hpp" PATTERN "produce_accesses.cpp")
install(FILES harness/kernel/abi.h harness/kernel/needs_mutex.hpp DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk/harness/kernel)
install(FILES cmake/Variants.cmake DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk/cmake)
install(DIRECTORY LICENSES DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk)
install(FILES dkms.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk)
install(DIRECTORY scripts/bpf DESTINATION ${CMAKE_INSTALL_DATADIR}/shadowwalk)
install(TARGETS shadowwalk_options EXPORT shadowwalk-targets)
install(EXPORT shadowwalk-targets NAMESPACE shadowwalk:: DESTINATION ${package_dir})

configure_package_config_file(cmake/shadowwalk-config.cmake.in ${PROJECT_BINARY_DIR}/shadowwalk-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/shadowwalk-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/shadowwalk-config.cmake ${PROJECT_BINARY_DIR}/shadowwalk-config-version.cmake
  cmake/Dependencies.cmake DESTINATION ${package_dir})
