#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace shadowwalk::doctor {

/// The USDT probes that a 64-bit ELF file of this machine's byte order carries (.note.stapsdt), as "provider:name",
/// sorted, each once. Empty for anything else, and for notes that are cut off.
std::vector<std::string> usdt_probes(std::span<const std::byte> elf);

}  // namespace shadowwalk::doctor
