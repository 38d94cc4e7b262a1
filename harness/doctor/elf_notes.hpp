#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::doctor {

/// What a file is, as far as its first bytes tell.
enum class ElfKind {
  none,           ///< no 64-bit ELF file of this machine's byte order
  shared_object,  ///< ET_DYN, for this machine: a library, or an executable that may lie anywhere
  other,          ///< another ELF file: an object file, a core, or one for another machine
};
ElfKind elf_kind(std::span<const std::byte> elf);

/// Calls `visit(owner, type, description)` for each note of a 64-bit ELF file of this machine's byte order; for none of
/// anything else. Stops at what is cut off. Reads nothing but `elf`, which may hold any bytes.
void for_each_elf_note(
    std::span<const std::byte> elf,
    const std::function<void(std::string_view owner, std::uint32_t type, std::span<const std::byte>)>& visit);

/// The USDT probes that a 64-bit ELF file of this machine's byte order carries (.note.stapsdt), as "provider:name",
/// sorted, each once. Empty for anything else, and for notes that are cut off.
std::vector<std::string> usdt_probes(std::span<const std::byte> elf);

}  // namespace shadowwalk::doctor
