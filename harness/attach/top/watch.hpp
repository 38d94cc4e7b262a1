#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/top/sample.hpp"
#include "harness/measure/shared_counters.hpp"

namespace shadowwalk::top {

/// What one look at a run has found.
struct Frame {
  live::LiveRun run;
  std::string phase;  ///< as LiveRun tells it, or `ended`
  std::uint64_t at_ns = 0;
  std::optional<Sample> now;
  std::optional<Sample> before;  ///< of the same cell at the last look
  std::string why_no_counters;   ///< in words, if `now` is missing; empty: the run is between two cells

  bool ended() const { return phase == "ended"; }
  /// Since the last look; 0 without one.
  double interval_s() const;
  /// How many parts of the window, of Footprint::kIntervals, have begun.
  std::size_t intervals_begun() const;
};

/// Follows one run from cell to cell. Reads, and writes nothing.
class Watch {
 public:
  /// The run of this id or process; empty: the only one. Throws InputError if it cannot be told.
  explicit Watch(const std::string& wanted);

  /// Looks again. Once the run is over the frame is `ended`, with the last counts of its last cell, if they were seen.
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
