#pragma once

#include <algorithm>
#include <chrono>

namespace shadowwalk::os {

/// The end of a wait that looks at it at least once per kLongestSleep. A time in which this process did not run (it was
/// stopped, or the machine suspended) does not count. Not thread-safe.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kLongestSleep{1};

  /// `limit` from now.
  explicit Deadline(std::chrono::nanoseconds limit) : Deadline(limit, Clock::now()) {}
  Deadline(std::chrono::nanoseconds limit, Clock::time_point now) : looked_(now), end_(now + limit) {}

  /// When the waiting thread must call passed() at the latest.
  Clock::time_point next_look() const { return std::min(end_, looked_ + kLongestSleep); }

  /// Whether the limit is used up. Puts the end off by a time in which the thread did not look.
  bool passed() { return passed(Clock::now()); }
  bool passed(Clock::time_point now) {
    if (now - looked_ > 2 * kLongestSleep) end_ += now - looked_;
    looked_ = now;
    return now >= end_;
  }

 private:
  Clock::time_point looked_;
  Clock::time_point end_;
};

}  // namespace shadowwalk::os
