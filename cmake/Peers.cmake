# Libraries whose schemes shadowwalk-bench measures beside the lab's own, where they are there (bench/peers). Nothing
# else is linked with them. scripts/install-dependencies installs them all, as its group `peers`.
pkg_check_modules(ck QUIET IMPORTED_TARGET ck)  # libck-dev
# libcds-dev: its CMake file names a library that Debian puts elsewhere.
find_path(CDS_INCLUDE_DIR cds/init.h)
find_library(CDS_LIBRARY cds)
if(CDS_INCLUDE_DIR AND CDS_LIBRARY)
  add_library(cds::cds UNKNOWN IMPORTED)
  set_target_properties(cds::cds PROPERTIES
    IMPORTED_LOCATION ${CDS_LIBRARY} INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${CDS_INCLUDE_DIR})
endif()
foreach(flavour bp mb memb qsbr)                # liburcu-dev
  pkg_check_modules(urcu_${flavour} QUIET IMPORTED_TARGET liburcu-${flavour})
endforeach()
find_path(XENIUM_INCLUDE_DIR xenium/reclamation/hazard_pointer.hpp)  # libxenium-dev
if(XENIUM_INCLUDE_DIR)
  add_library(xenium::xenium INTERFACE IMPORTED)
  target_include_directories(xenium::xenium SYSTEM INTERFACE ${XENIUM_INCLUDE_DIR})
endif()
