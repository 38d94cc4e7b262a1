#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::doctor {

/// The kind of a file, by its first bytes.
enum class ElfKind {
  none,           ///< no 64-bit ELF file of this machine's byte order
  shared_object,  ///< ET_DYN, for this machine: a library, or a position-independent executable
  other,          ///< another ELF file: an object file, a core, or one for another machine
};
ElfKind elf_kind(std::span<const std::byte> elf);

/// Calls `visit(owner, type, description)` for each note of a 64-bit ELF file of this machine's byte order, and never
/// for other files. Stops at a truncated note. Reads only `elf`, which may contain any bytes.
void for_each_elf_note(
    std::span<const std::byte> elf,
    const std::function<void(std::string_view owner, std::uint32_t type, std::span<const std::byte>)>& visit);

/// The USDT probes in a 64-bit ELF file of this machine's byte order (.note.stapsdt), as "provider:name", sorted,
/// without duplicates. Empty for other files and for truncated notes.
std::vector<std::string> usdt_probes(std::span<const std::byte> elf);

}  // namespace shadowwalk::doctor
