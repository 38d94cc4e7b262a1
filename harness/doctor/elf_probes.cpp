#include "harness/doctor/elf_probes.hpp"

#include <elf.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "harness/doctor/elf_notes.hpp"

namespace shadowwalk::doctor {
namespace {

using Bytes = std::span<const std::byte>;

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
