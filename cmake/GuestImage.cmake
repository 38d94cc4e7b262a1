# shadowwalk_guest_image(NAME room INTO target SOURCES...): compiles SOURCES freestanding, for CPL 3 of a KVM guest, into one
# flat image, entered at guest_start(), and embeds it in the library `target` between the symbols shadowwalk_NAME_image
# and shadowwalk_NAME_image_end.
enable_language(ASM)

function(shadowwalk_guest_image name)
  cmake_parse_arguments(image "" "INTO" "SOURCES" ${ARGN})
  set(script ${PROJECT_SOURCE_DIR}/workloads/guest/image.ld)
  set(elf shadowwalk_${name}_image)
  # Not shadowwalk_options: a sanitizer has no runtime in the guest. Ordinary code, hardened or not, is for CPL 3 with
  # general registers only.
  add_executable(${elf} ${image_SOURCES})
  set_target_properties(${elf} PROPERTIES POSITION_INDEPENDENT_CODE OFF LINK_DEPENDS ${script})
  target_include_directories(${elf} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${elf} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Werror -O2
    -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none -fno-stack-protector
    -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables -fno-sanitize=all
    $<$<CXX_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>)
  target_link_options(${elf} PRIVATE -nostdlib -static -fno-sanitize=all -Wl,--build-id=none -Wl,-T,${script})

  set(flat ${CMAKE_CURRENT_BINARY_DIR}/${name}_image.bin)
  add_custom_command(OUTPUT ${flat}
    COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${elf}> ${flat}
    DEPENDS ${elf} VERBATIM)
  set(assembler ${CMAKE_CURRENT_BINARY_DIR}/${name}_image.S)
  configure_file(${PROJECT_SOURCE_DIR}/workloads/guest/image.S.in ${assembler} @ONLY)
  set_source_files_properties(${assembler} PROPERTIES OBJECT_DEPENDS ${flat})
  target_sources(${image_INTO} PRIVATE ${assembler})
endfunction()
