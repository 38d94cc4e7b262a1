// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/machine/machine.hpp"
#include "harness/measure/footprint.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// When RCU's grace periods of the measured window began and ended, in memory that does not grow: exact within each of
/// the footprint's intervals, so that both can be drawn over one time, and one by one while they are few.
///
/// Written by the reclaimer alone, on no walker's or zapper's path. Read when its last callback has run.
class GracePeriodRecord final : public GracePeriodObserver {
 public:
  static constexpr std::size_t kIntervals = Footprint::kIntervals;
  static constexpr std::size_t kMostKept = kIntervals;  ///< with more, marks of each would lie upon each other

  using ToWholeNs = std::uint64_t (*)(std::uint64_t ticks);
  /// `to_whole_ns` gives the length of a number of ticks.
  GracePeriodRecord(const Window& window, ToWholeNs to_whole_ns) : window_(window), to_whole_ns_(to_whole_ns) {}

  void on_grace_period(std::uint64_t began, std::uint64_t ended) override;

  /// Begin and end.
  using Times = std::pair<std::uint64_t, std::uint64_t>;

  /// As it was recorded.
  struct Counts {
    Histogram ns;                                       ///< from begin to end, of those that began in the window
    std::array<std::uint64_t, kIntervals> began{};      ///< how many, in each interval
    std::array<std::uint64_t, kIntervals> under_way{};  ///< for how many ticks one was, in each interval
    std::uint64_t touched = 0;                          ///< how many were under way at any time of the window
    std::array<Times, kMostKept> each_ns{};             ///< since the window's start, cut there and at its end
  };
  const Counts& counts() const { return counts_; }

  struct Result {
    Histogram ns;                                 ///< from begin to end, of those that began in the window
    std::vector<std::uint64_t> began;             ///< how many, in each interval
    std::vector<double> under_way_ns;             ///< for how long one was under way, in each interval
    std::uint64_t touched = 0;                    ///< how many were under way at any time of the window
    std::vector<std::pair<double, double>> each;  ///< begin and end since the window's start, ns; empty past kMostKept
  };
  Result result() const;

 private:
  void add_under_way(std::uint64_t from, std::uint64_t to);
  std::uint64_t since_start(std::uint64_t ticks) const;

  const Window& window_;
  const ToWholeNs to_whole_ns_;
  Counts counts_;
};

}  // namespace shadowwalk
