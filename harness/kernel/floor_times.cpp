#include "harness/kernel/floor_times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::kernel {
namespace {

/// It, checked: it did as much as it was asked to.
shadowwalk_floor time_checked(const Device& device, std::uint32_t index, std::span<const unsigned> cpus,
                              std::uint64_t iterations) {
  const shadowwalk_floor floor = device.time_floor(index, cpus, iterations);
  const std::uint64_t asked = iterations * (floor.kind == SHADOWWALK_FLOOR_EACH ? cpus.size() : 1);
  if (floor.done == asked && floor.bytes_leaked == 0) return floor;
  throw CellError(fmt::format("{}: {} of {} iterations were done, and {} bytes were not given back",
                              text_of(floor.name), floor.done, asked, floor.bytes_leaked));
}

constexpr std::uint64_t kFew = 4;

/// For so long that threads which begin a millisecond after each other do not matter.
shadowwalk_floor time_long_enough(const Device& device, std::uint32_t index, std::span<const unsigned> cpus) {
  constexpr double kLeastNs = 50e6;  // of each CPU
  constexpr std::uint64_t kMost = SHADOWWALK_MAX_FLOOR_ITERATIONS / 100;
  for (std::uint64_t iterations = kFew;;) {
    const shadowwalk_floor floor = time_checked(device, index, cpus, iterations);
    const double ns = time_of_one(floor).ns * static_cast<double>(iterations);
    if (ns >= kLeastNs || iterations >= kMost) return floor;
    iterations =
        static_cast<std::uint64_t>(static_cast<double>(iterations) * std::clamp(1.3 * kLeastNs / ns, 2.0, 100.0));
  }
}

}  // namespace

std::vector<unsigned> cpus_for_floors() {
  const Placement placement = Placement::parse("auto");
  std::vector<unsigned> cpus;
  for (std::size_t i = 0; i < placement.cpus(); ++i) cpus.push_back(placement.cpu_of(i).value());
  return cpus;
}

std::vector<unsigned> cpu_counts(const shadowwalk_floor& row, unsigned most) {
  std::vector<unsigned> counts;
  for (unsigned count = row.least_cpus; count < most; count *= 2) counts.push_back(count);
  if (row.least_cpus <= most) counts.push_back(most);
  return counts;
}

FloorTime time_of_one(const shadowwalk_floor& floor) {
  const auto done = static_cast<double>(std::max<std::uint64_t>(floor.done, 1));
  FloorTime time{.ns = static_cast<double>(floor.ns) / done, .cycles = std::nullopt};
  if (floor.cycles != 0) time.cycles = static_cast<double>(floor.cycles) / done;
  return time;
}

std::string floor_table(const Device& device, const std::string& untimed) {
  const std::vector<unsigned> cpus = cpus_for_floors();
  std::string table = fmt::format("{:<34} {:>4} {:>12} {:>12}\n", "one operation of", "CPUs", "ns", "cycles");
  for (const shadowwalk_floor& row : device.floors()) {
    if (row.least_cpus > cpus.size()) table += fmt::format("{:<34} needs {} CPUs\n", text_of(row.name), row.least_cpus);
    for (const unsigned count : cpu_counts(row, static_cast<unsigned>(cpus.size()))) {
      const bool shown = untimed.empty();
      const std::span used = std::span(cpus).first(count);
      const FloorTime time =
          time_of_one(shown ? time_long_enough(device, row.index, used) : time_checked(device, row.index, used, kFew));
      table += fmt::format("{:<34} {:>4} {:>12} {:>12}\n", text_of(row.name), count,
                           shown ? fmt::format("{:.1f}", time.ns) : "-",
                           shown && time.cycles ? fmt::format("{:.1f}", *time.cycles) : "-");
    }
  }
  if (!untimed.empty()) table += fmt::format("No times: {}\n", untimed);
  return table;
}

}  // namespace shadowwalk::kernel
