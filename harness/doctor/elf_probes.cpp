#include "harness/doctor/elf_probes.hpp"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>

namespace shadowwalk::doctor {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kStapsdtType = 3;

/// A part of the file; nothing if it is not all there.
std::optional<Bytes> part(Bytes bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(offset, size);
}

template <class Structure>
std::optional<Structure> copy_at(Bytes bytes, std::uint64_t offset) {
  const auto here = part(bytes, offset, sizeof(Structure));
  if (!here) return std::nullopt;
  Structure structure;
  std::memcpy(&structure, here->data(), sizeof structure);
  return structure;
}

/// The text up to the next 0, which is taken off `bytes`.
std::optional<std::string_view> take_text(Bytes& bytes) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t end = all.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  bytes = bytes.subspan(end + 1);
  return all.substr(0, end);
}

constexpr std::uint64_t padded(std::uint32_t size) { return (std::uint64_t{size} + 3) / 4 * 4; }

void read_notes(Bytes section, std::set<std::string>& probes) {
  for (std::uint64_t at = 0; const auto header = copy_at<Elf64_Nhdr>(section, at);) {
    const auto owner = part(section, at + sizeof *header, header->n_namesz);
    const std::uint64_t description_at = at + sizeof *header + padded(header->n_namesz);
    const auto description = part(section, description_at, header->n_descsz);
    if (!owner || !description) return;
    at = description_at + padded(header->n_descsz);
    constexpr std::string_view kOwner("stapsdt\0", 8);
    const bool is_probe = std::string_view(reinterpret_cast<const char*>(owner->data()), owner->size()) == kOwner &&
                          header->n_type == kStapsdtType;
    // Three addresses (of the probe, the base, the semaphore), then provider and name.
    constexpr std::size_t kAddresses = 3 * sizeof(Elf64_Addr);
    if (!is_probe || description->size() < kAddresses) continue;
    Bytes text = description->subspan(kAddresses);
    const auto provider = take_text(text);
    const auto name = provider ? take_text(text) : std::nullopt;
    if (name) probes.insert(std::string(*provider) + ":" + std::string(*name));
  }
}

}  // namespace

std::vector<std::string> usdt_probes(Bytes elf) {
  const auto header = copy_at<Elf64_Ehdr>(elf, 0);
  constexpr unsigned char kByteOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_ident[EI_DATA] != kByteOrder || header->e_shentsize != sizeof(Elf64_Shdr)) {
    return {};
  }
  std::set<std::string> probes;
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    if (header->e_shoff > elf.size()) break;
    const auto section = copy_at<Elf64_Shdr>(elf, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!section || section->sh_type != SHT_NOTE) continue;
    if (const auto notes = part(elf, section->sh_offset, section->sh_size)) read_notes(*notes, probes);
  }
  return {probes.begin(), probes.end()};
}

}  // namespace shadowwalk::doctor
