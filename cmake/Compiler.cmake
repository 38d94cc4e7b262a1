# How every target of the project is compiled: C++20, warnings are errors, the sanitizer of the preset.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# -g1: functions, what is inlined in them, and lines: all that perf, bpftrace, backtraces and sanitizers' reports use.
# Describing every type takes a third of the compiler's time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")

# Up to half a GiB g++ collects no garbage of its own: collecting takes up to 8 % of its time.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=524288>)

set(SHADOWWALK_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, e.g. address,undefined or thread")
if(SHADOWWALK_SANITIZE MATCHES "address")
  # Optimising what AddressSanitizer adds takes two thirds of the compiler's time. ThreadSanitizer's code would be too
  # slow without it where tests hunt for a race.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O0 -g1")
endif()
set(SHADOWWALK_BUILD_LABEL "" CACHE STRING "What results call this build; default: the build type in lower case")
if(NOT SHADOWWALK_BUILD_LABEL)
  string(TOLOWER "${CMAKE_BUILD_TYPE}" SHADOWWALK_BUILD_LABEL)
endif()

add_library(shadowwalk_options INTERFACE)
target_include_directories(shadowwalk_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/shadowwalk>)
target_compile_features(shadowwalk_options INTERFACE cxx_std_20)
target_compile_options(shadowwalk_options INTERFACE
  $<BUILD_INTERFACE:-Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough>)
if(SHADOWWALK_SANITIZE)
  target_compile_options(shadowwalk_options INTERFACE
    $<BUILD_INTERFACE:-fsanitize=${SHADOWWALK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer>)
  target_link_options(shadowwalk_options INTERFACE $<BUILD_INTERFACE:-fsanitize=${SHADOWWALK_SANITIZE}>)
endif()

# shadowwalk_precompile(TARGET HEADERS...): for large headers of libraries that most of a target's files include.
# shadowwalk_precompile(TARGET REUSE_FROM OTHER): those of OTHER, which is compiled with the same options.
function(shadowwalk_precompile target)
  if(ARGV1 STREQUAL "REUSE_FROM")
    target_precompile_headers(${target} ${ARGN})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # or ccache keeps nothing of it
  endif()
endfunction()

# shadowwalk_compile_together(TARGET [ALONE SOURCES...]): compiles several sources as one, since most of compiling one is
# its headers; a debug build compiles each alone. ALONE: sources that are measured, where what is inlined must not depend
# on which other source stands beside it.
function(shadowwalk_compile_together target)
  cmake_parse_arguments(PARSE_ARGV 1 together "" "" "ALONE")
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
  if(together_ALONE AND NOT SHADOWWALK_SANITIZE)
    set_source_files_properties(${together_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The files of a unity build are included, and g++ takes what is included for a header.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# shadowwalk_compile_quickly(TARGET): for code whose speed nobody measures or waits for. Most of compiling it at -O2 is
# optimising the headers of CLI11, nlohmann's JSON, toml++ and fmt.
function(shadowwalk_compile_quickly target)
  shadowwalk_compile_together(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# shadowwalk_compile_unoptimised(TARGET): for code that runs for milliseconds, as most tests do: optimising it takes longer.
function(shadowwalk_compile_unoptimised target)
  shadowwalk_compile_together(${target})
  target_compile_options(${target} PRIVATE "$<$<CONFIG:Release>:-O0;-g0>")
endfunction()

# shadowwalk_room(NAME SOURCES... LINK deps...): one static library for one room of the house.
function(shadowwalk_room name)
  cmake_parse_arguments(room "" "" "SOURCES;LINK" ${ARGN})
  if(room_SOURCES)
    add_library(shadowwalk_${name} STATIC ${room_SOURCES})
    target_link_libraries(shadowwalk_${name} PUBLIC shadowwalk_options ${room_LINK})
  else()
    add_library(shadowwalk_${name} INTERFACE)
    target_link_libraries(shadowwalk_${name} INTERFACE shadowwalk_options ${room_LINK})
  endif()
  set_target_properties(shadowwalk_${name} PROPERTIES EXPORT_NAME ${name})
  add_library(shadowwalk::${name} ALIAS shadowwalk_${name})
  install(TARGETS shadowwalk_${name} EXPORT shadowwalk-targets)
endfunction()
