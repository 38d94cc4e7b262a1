#include "harness/doctor/elf_notes.hpp"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>

namespace shadowwalk::doctor {
namespace {

using Bytes = std::span<const std::byte>;

#if defined(__x86_64__)
constexpr Elf64_Half kThisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kThisMachine = EM_AARCH64;
#else
constexpr Elf64_Half kThisMachine = EM_NONE;
#endif

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

std::optional<Elf64_Ehdr> header_of(Bytes elf) {
  const auto header = copy_at<Elf64_Ehdr>(elf, 0);
  constexpr unsigned char kByteOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_ident[EI_DATA] != kByteOrder) {
    return std::nullopt;
  }
  return header;
}

constexpr std::uint64_t padded(std::uint32_t size) { return (std::uint64_t{size} + 3) / 4 * 4; }

template <class Visit>
void read_notes(Bytes section, const Visit& visit) {
  for (std::uint64_t at = 0; const auto header = copy_at<Elf64_Nhdr>(section, at);) {
    const auto owner = part(section, at + sizeof *header, header->n_namesz);
    const std::uint64_t description_at = at + sizeof *header + padded(header->n_namesz);
    const auto description = part(section, description_at, header->n_descsz);
    if (!owner || !description) return;
    at = description_at + padded(header->n_descsz);
    std::string_view name(reinterpret_cast<const char*>(owner->data()), owner->size());
    if (name.ends_with('\0')) name.remove_suffix(1);
    visit(name, header->n_type, *description);
  }
}

constexpr std::uint32_t kStapsdtType = 3;

/// The text up to the next 0, which is taken off `bytes`.
std::optional<std::string_view> take_text(Bytes& bytes) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t end = all.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  bytes = bytes.subspan(end + 1);
  return all.substr(0, end);
}

}  // namespace

ElfKind elf_kind(Bytes elf) {
  const auto header = header_of(elf);
  if (!header) return ElfKind::none;
  return header->e_type == ET_DYN && header->e_machine == kThisMachine ? ElfKind::shared_object : ElfKind::other;
}

void for_each_elf_note(Bytes elf, const std::function<void(std::string_view, std::uint32_t, Bytes)>& visit) {
  const auto header = header_of(elf);
  if (!header || header->e_shentsize != sizeof(Elf64_Shdr)) return;
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    if (header->e_shoff > elf.size()) return;
    const auto section = copy_at<Elf64_Shdr>(elf, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!section || section->sh_type != SHT_NOTE) continue;
    if (const auto notes = part(elf, section->sh_offset, section->sh_size)) read_notes(*notes, visit);
  }
}

std::vector<std::string> usdt_probes(Bytes elf) {
  std::set<std::string> probes;
  for_each_elf_note(elf, [&](std::string_view owner, std::uint32_t type, Bytes description) {
    // Three addresses (of the probe, the base, the semaphore), then provider and name.
    constexpr std::size_t kAddresses = 3 * sizeof(Elf64_Addr);
    if (owner != "stapsdt" || type != kStapsdtType || description.size() < kAddresses) return;
    Bytes text = description.subspan(kAddresses);
    const auto provider = take_text(text);
    const auto name = provider ? take_text(text) : std::nullopt;
    if (name) probes.insert(std::string(*provider) + ":" + std::string(*name));
  });
  return {probes.begin(), probes.end()};
}

}  // namespace shadowwalk::doctor
