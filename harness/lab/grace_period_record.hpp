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

  /// `ns_per_tick` scales the times, which are recorded in ns.
  GracePeriodRecord(const Window& window, double ns_per_tick) : window_(window), ns_per_tick_(ns_per_tick) {}

  void on_grace_period(std::uint64_t began, std::uint64_t ended) override;

  struct Result {
    Histogram ns;                                 ///< from begin to end, of those that began in the window
    std::vector<std::uint64_t> began;             ///< how many, in each interval
    std::vector<double> under_way_ns;             ///< for how long one was under way, in each interval
    std::uint64_t touched = 0;                    ///< how many were under way at any time of the window
    std::vector<std::pair<double, double>> each;  ///< begin and end since the window's start, ns; empty past kMostKept
  };
  Result result() const;

 private:
  using Times = std::pair<std::uint64_t, std::uint64_t>;

  std::size_t interval_of(std::uint64_t ticks) const;
  void add_under_way(std::uint64_t from, std::uint64_t to);

  const Window& window_;
  const double ns_per_tick_;
  Histogram ns_;
  std::uint64_t touched_ = 0;
  std::array<std::uint64_t, kIntervals> began_{};
  std::array<std::uint64_t, kIntervals> under_way_{};  // ticks
  std::array<Times, kMostKept> first_{};
};

}  // namespace shadowwalk
