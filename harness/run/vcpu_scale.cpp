#include "harness/run/vcpu_scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "harness/machine/error.hpp"

namespace shadowwalk::run {
namespace {

constexpr std::string_view kScale = "scale";
constexpr std::string_view kAll = "1,2,4,llc,socket,max";

std::optional<VcpuScale::Entry> parse_entry(std::string_view word, unsigned largest) {
  if (word == "llc") return VcpuScale::Entry{.part = VcpuScale::Part::llc};
  if (word == "socket") return VcpuScale::Entry{.part = VcpuScale::Part::socket};
  if (word == "max") return VcpuScale::Entry{.part = VcpuScale::Part::max};
  unsigned number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || number < 1 || number > largest) return std::nullopt;
  return VcpuScale::Entry{.number = number};
}

unsigned vcpus_of(const VcpuScale::Entry& entry, const VcpuRoom& room) {
  switch (entry.part) {
    case VcpuScale::Part::number:
      return entry.number;
    case VcpuScale::Part::llc:
      return room.llc;
    case VcpuScale::Part::socket:
      return room.package;
    case VcpuScale::Part::max:
      break;
  }
  return room.all;
}

}  // namespace

std::optional<VcpuScale> parse_vcpu_scale(std::string_view text, unsigned largest) {
  if (!text.starts_with(kScale)) return std::nullopt;
  text.remove_prefix(kScale.size());
  if (!text.empty() && !text.starts_with(':')) return std::nullopt;
  std::string_view rest = text.empty() ? kAll : text.substr(1);
  VcpuScale scale;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const auto entry = parse_entry(rest.substr(0, comma), largest);
    if (!entry || std::ranges::find(scale.entries, *entry) != scale.entries.end()) return std::nullopt;
    scale.entries.push_back(*entry);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
  }
  return scale;
}

std::vector<unsigned> resolve(const VcpuScale& scale, const VcpuRoom& room, unsigned largest) {
  std::set<unsigned> numbers;
  for (const VcpuScale::Entry& entry : scale.entries) {
    const unsigned vcpus = vcpus_of(entry, room);
    if (vcpus <= room.all) numbers.insert(std::min(vcpus, largest));
  }
  return {numbers.begin(), numbers.end()};
}

void VcpuNumbers::add(unsigned number, const HostRoom& host) {
  const auto place = std::ranges::lower_bound(vcpus, number);
  if (place == vcpus.end() || *place != number) vcpus.insert(place, number);
  reserved = std::max(reserved, host.reserved);
  if (std::ranges::find(rooms, host) == rooms.end()) rooms.push_back(host);
}

std::optional<std::string> why_not_here(const VcpuNumbers& numbers) {
  const auto words = [](const VcpuRoom& room) {
    return fmt::format("{} vCPUs ({} in a socket, {} in a last-level cache)", room.all, room.package, room.llc);
  };
  for (const HostRoom& there : numbers.rooms) {
    const std::string had = fmt::format("its host had room for {} beside {} reserved CPUs with placement {}",
                                        words(there.room), there.reserved, there.placement);
    try {
      const VcpuRoom here = Placement::parse(there.placement).room_beside(there.reserved);
      if (here != there.room) return fmt::format("{}, this one for {}", had, words(here));
    } catch (const InputError& error) {
      return fmt::format("{}, and on this one {}", had, error.what());
    }
  }
  return std::nullopt;
}

}  // namespace shadowwalk::run
