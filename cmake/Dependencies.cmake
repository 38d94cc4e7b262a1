# Debian packages, found and never downloaded. scripts/install-dependencies installs them all.
# The installed package finds the same list: cmake/shadowwalk-config.cmake.in includes this file.
find_package(Threads REQUIRED)
find_package(benchmark REQUIRED)      # libbenchmark-dev
find_package(CLI11 REQUIRED)          # libcli11-dev
find_package(tomlplusplus REQUIRED)   # libtomlplusplus-dev
find_package(nlohmann_json REQUIRED)  # nlohmann-json3-dev
find_package(fmt REQUIRED)            # libfmt-dev
find_package(Boost REQUIRED COMPONENTS context)  # libboost-context-dev, which brings the headers, too: boost/crc.hpp
find_package(ZLIB REQUIRED)           # zlib1g-dev

find_package(PkgConfig REQUIRED)
pkg_check_modules(urcu REQUIRED IMPORTED_TARGET GLOBAL liburcu-memb)  # liburcu-dev
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET GLOBAL hwloc)        # libhwloc-dev
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET GLOBAL libzstd)      # libzstd-dev

# libpfm4-dev and systemtap-sdt-dev ship neither a CMake nor a pkg-config file.
find_path(PFM_INCLUDE_DIR perfmon/pfmlib.h REQUIRED)
find_library(PFM_LIBRARY pfm REQUIRED)
if(NOT TARGET pfm::pfm)
  add_library(pfm::pfm UNKNOWN IMPORTED GLOBAL)
  set_target_properties(pfm::pfm PROPERTIES
    IMPORTED_LOCATION ${PFM_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${PFM_INCLUDE_DIR})
endif()
# libncurses-dev and libre2-dev have pkg-config files, whose macros would reach all that links them, and no precompiled
# header then fits.
find_path(NCURSES_INCLUDE_DIR curses.h REQUIRED)
find_library(NCURSES_LIBRARY ncursesw REQUIRED)
find_library(TINFO_LIBRARY tinfo REQUIRED)
if(NOT TARGET ncurses::ncursesw)
  add_library(ncurses::ncursesw UNKNOWN IMPORTED GLOBAL)
  set_target_properties(ncurses::ncursesw PROPERTIES IMPORTED_LOCATION ${NCURSES_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${NCURSES_INCLUDE_DIR} INTERFACE_LINK_LIBRARIES ${TINFO_LIBRARY})
endif()
find_path(RE2_INCLUDE_DIR re2/re2.h REQUIRED)
find_library(RE2_LIBRARY re2 REQUIRED)
if(NOT TARGET re2::re2)
  add_library(re2::re2 UNKNOWN IMPORTED GLOBAL)
  set_target_properties(re2::re2 PROPERTIES IMPORTED_LOCATION ${RE2_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${RE2_INCLUDE_DIR})
endif()
find_path(SDT_INCLUDE_DIR sys/sdt.h REQUIRED)
