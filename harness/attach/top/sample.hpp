#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/measure/footprint.hpp"
#include "harness/measure/live_counters.hpp"

/// `shadowwalk top`: what a live cell counts, read from outside while it runs.
namespace shadowwalk::top {

/// As `ExitReason` names them, in its order.
inline constexpr std::array<std::string_view, kExitReasons> kExitNames = {"mmio", "doorbell", "interrupted", "halt"};

/// What one thread, or all together, have counted since the cell began.
struct Counts {
  std::uint64_t walks = 0;
  std::uint64_t faults = 0;
  std::uint64_t restarts = 0;
  std::uint64_t violations = 0;
  std::array<std::uint64_t, kExitReasons> exits{};
  std::uint64_t zaps = 0;
  std::uint64_t zaps_empty = 0;

  Counts& operator+=(const Counts& other);
  Counts operator-(const Counts& earlier) const;
};

/// A cell's counters at a moment. The cell goes on meanwhile: counts are right each by itself, a few events apart.
struct Sample {
  std::uint64_t at_ns = 0;       ///< CLOCK_MONOTONIC
  std::uint64_t page_bytes = 0;  ///< of a shadow page; 0: the cell has none of its own
  std::vector<Counts> vcpus;
  Counts all;  ///< vCPUs and zappers
  std::uint64_t ipis = 0;
  Histogram ipi_ns;  ///< in the window
  std::uint64_t pages_freed = 0;
  std::uint64_t pages_retired = 0;            ///< unlinked and not freed, now
  std::uint64_t retired_peak = 0;             ///< pages, in the window so far
  std::vector<std::uint64_t> retired_series;  ///< pages, greatest in each of Footprint::kIntervals parts of the window
  Histogram free_ns;                          ///< in the window
};

Sample take_sample(const LiveCounters& counters, std::uint64_t at_ns);

}  // namespace shadowwalk::top
