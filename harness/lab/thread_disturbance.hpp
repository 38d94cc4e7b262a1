#pragma once

#include <cstdint>

#include "harness/measure/noise.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// What kept one thread of a cell from its work within the window. Own thread only.
class ThreadDisturbance {
 public:
  /// `always_busy`: the thread never sleeps, so that all the time off its CPU was taken from it, and its CPU's speed is
  /// of interest.
  ThreadDisturbance(const Window& window, bool always_busy) : window_(window), always_busy_(always_busy) {}

  /// Call it often: it does something only just before the window, the first time in it, and the first time after it.
  void observe(std::uint64_t now) {
    if (phase_ != Phase::over) pass(now);
  }

  std::uint64_t involuntary_switches() const { return end_.involuntary_switches - start_.involuntary_switches; }
  /// Time in the window in which it did not run; 0 unless it is always busy.
  double off_cpu_ns() const;
  /// Its CPU's speed, see shadowwalk::core_speed(): the mean of before the window and after it; 0 if either was not
  /// seen.
  double core_speed() const { return speed_before_ > 0 && speed_after_ > 0 ? (speed_before_ + speed_after_) / 2 : 0; }
  /// Its CPU's speed after the window over that before it: its frequency changed, or a hypervisor moved it. 1 if either
  /// was not seen.
  double core_speed_change() const { return speed_before_ > 0 && speed_after_ > 0 ? speed_after_ / speed_before_ : 1; }

 private:
  enum class Phase { early, ready, within, over };
  struct Moment {
    std::uint64_t ticks = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t involuntary_switches = 0;
  };

  void pass(std::uint64_t now);
  static Moment moment();

  const Window& window_;
  const bool always_busy_;
  Phase phase_ = Phase::early;
  Moment start_;
  Moment end_;
  double speed_before_ = 0;
  double speed_after_ = 0;
};

/// Adds what disturbed a walker to its cell's noise: of its CPU's speed, the greatest change of any walker counts; the
/// speed itself is that of the first walker.
void add_walker(Noise& noise, const ThreadDisturbance& walker);

}  // namespace shadowwalk
