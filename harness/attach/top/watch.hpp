#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/attach/live/live_runs.hpp"
#include "harness/measure/footprint.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/measure/shared_counters.hpp"

/// `shadowwalk top`: the counters of a live cell, read by another process while it runs.
namespace shadowwalk::top {

/// The names of `ExitReason`, in its order.
inline constexpr std::array<std::string_view, kExitReasons> kExitNames = {"mmio", "doorbell", "interrupted", "halt"};

/// The counts of one thread, or of all threads together, since the cell began.
struct Counts {
  std::uint64_t walks = 0;
  std::uint64_t faults = 0;
  std::uint64_t restarts = 0;
  std::uint64_t violations = 0;
  std::array<std::uint64_t, kExitReasons> exits{};
  std::uint64_t zaps = 0;
  std::uint64_t zaps_empty = 0;

  Counts& operator+=(const Counts& other);
};

/// A count: its name in JSON, and what it is read from. Exits have reasons instead.
struct CountRow {
  const char* name;
  std::uint64_t Counts::*count;
  LiveCounters::Counter LiveCounters::Thread::*counter;
};
inline constexpr CountRow kCounts[] = {
    {"walks", &Counts::walks, &LiveCounters::Thread::walks},
    {"faults", &Counts::faults, &LiveCounters::Thread::faults},
    {"restarts", &Counts::restarts, &LiveCounters::Thread::restarts},
    {"violations", &Counts::violations, &LiveCounters::Thread::violations},
    {"zaps", &Counts::zaps, &LiveCounters::Thread::zaps},
    {"zaps_empty", &Counts::zaps_empty, &LiveCounters::Thread::zaps_empty},
};

/// A cell's counters at one time. The cell runs meanwhile: each count is exact, but they are read a few events apart.
struct Sample {
  std::uint64_t at_ns = 0;       ///< CLOCK_MONOTONIC
  std::uint64_t page_bytes = 0;  ///< of a shadow page; 0: the cell has no shadow pages of its own
  std::vector<Counts> vcpus;
  Counts all;  ///< vCPUs and zappers
  std::uint64_t ipis = 0;
  Histogram ipi_ns;  ///< in the window
  std::uint64_t pages_freed = 0;
  std::uint64_t pages_retired = 0;            ///< unlinked and not freed, now
  std::uint64_t retired_peak = 0;             ///< pages, in the window so far
  std::vector<std::uint64_t> retired_series;  ///< pages: the peak in each of Footprint::kIntervals parts of the window
  Histogram free_ns;                          ///< in the window
};

Sample take_sample(const LiveCounters& counters, std::uint64_t at_ns);

/// The state of a run at one refresh.
struct Frame {
  live::LiveRun run;
  std::string phase;  ///< LiveRun::phase(), or `ended`
  std::uint64_t at_ns = 0;
  std::optional<Sample> now;
  std::optional<Sample> before;  ///< of the same cell at the previous refresh
  std::string why_no_counters;   ///< the reason if `now` is missing; empty: the run is between two cells

  bool ended() const { return phase == "ended"; }
  /// Time since the previous refresh; 0 without one.
  double interval_s() const;
  /// How many parts of the window, of Footprint::kIntervals, have begun.
  std::size_t intervals_begun() const;
};

/// Follows one run from cell to cell. Only reads.
class Watch {
 public:
  /// The run with this id or process number; empty: the only run. Throws InputError if there is none, or several.
  explicit Watch(const std::string& wanted);

  /// Refreshes. Once the run is over, the phase is `ended`, with the last counts of its last cell, if any were read.
  Frame look();

 private:
  void follow(const live::LiveRun& run);

  std::string id_;
  live::LiveRun last_;
  live::Process cell_;
  int counters_fd_ = -1;
  std::unique_ptr<const ForeignCounters> counters_;
  std::string why_no_counters_;
  std::optional<Sample> before_;
};

}  // namespace shadowwalk::top
