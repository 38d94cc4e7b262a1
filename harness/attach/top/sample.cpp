#include "harness/attach/top/sample.hpp"

#include <algorithm>
#include <atomic>

namespace shadowwalk::top {
namespace {

std::uint64_t read(const LiveCounters::Counter& counter) { return counter.load(std::memory_order_relaxed); }

Counts read(const LiveCounters::Thread& thread) {
  Counts counts{.walks = read(thread.walks),
                .faults = read(thread.faults),
                .restarts = read(thread.restarts),
                .violations = read(thread.violations),
                .exits = {},
                .zaps = read(thread.zaps),
                .zaps_empty = read(thread.zaps_empty)};
  for (std::size_t i = 0; i < kExitReasons; ++i) counts.exits[i] = read(thread.exits[i]);
  return counts;
}

/// A level of pages is a difference of counts that were read one after the other: a page that was freed in between
/// leaves less than nothing.
std::uint64_t level(std::uint64_t pages) { return static_cast<std::int64_t>(pages) < 0 ? 0 : pages; }

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  walks += other.walks;
  faults += other.faults;
  restarts += other.restarts;
  violations += other.violations;
  for (std::size_t i = 0; i < kExitReasons; ++i) exits[i] += other.exits[i];
  zaps += other.zaps;
  zaps_empty += other.zaps_empty;
  return *this;
}

Counts Counts::operator-(const Counts& earlier) const {
  Counts difference{.walks = walks - earlier.walks,
                    .faults = faults - earlier.faults,
                    .restarts = restarts - earlier.restarts,
                    .violations = violations - earlier.violations,
                    .exits = {},
                    .zaps = zaps - earlier.zaps,
                    .zaps_empty = zaps_empty - earlier.zaps_empty};
  for (std::size_t i = 0; i < kExitReasons; ++i) difference.exits[i] = exits[i] - earlier.exits[i];
  return difference;
}

Sample take_sample(const LiveCounters& counters, std::uint64_t at_ns) {
  Sample sample;
  sample.at_ns = at_ns;
  sample.page_bytes = read(counters.page_bytes);
  const std::size_t vcpus = std::min<std::size_t>(read(counters.vcpus), LiveCounters::kMostThreads);
  const std::size_t zappers = std::min<std::size_t>(read(counters.zappers), LiveCounters::kMostThreads - vcpus);
  for (std::size_t i = 0; i < vcpus + zappers; ++i) {
    const Counts counts = read(counters.threads[i]);
    if (i < vcpus) sample.vcpus.push_back(counts);
    sample.all += counts;
  }
  sample.ipis = read(counters.ipis.total);
  sample.ipi_ns = counters.ipis.ns.snapshot();

  sample.pages_freed = counters.footprint.freed();
  sample.pages_retired = level(read(counters.footprint.unlinked.total) - sample.pages_freed);
  const Footprint::Result pages = Footprint::result_of(counters.footprint, 0);
  sample.free_ns = pages.free_ns;
  sample.retired_peak = level(pages.retired.peak);
  for (const std::uint64_t peak : pages.retired.series_peak) sample.retired_series.push_back(level(peak));
  return sample;
}

}  // namespace shadowwalk::top
