#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/measure/noise.hpp"

namespace shadowwalk {

/// Watches from outside of cells whether the host does something else, by the limits that make a cell NOISY. Time of
/// this process and of its children that have ended is its own. Not thread-safe.
class QuietWatch {
 public:
  using Clock = std::chrono::steady_clock;
  /// Ticks of /proc/stat are 10 ms: what a shorter look sees means nothing.
  static constexpr std::chrono::milliseconds kShortestLook{100};

  /// `proc_stat`: a file like /proc/stat.
  explicit QuietWatch(std::string proc_stat = "/proc/stat");

  /// When look() may be called.
  Clock::time_point next_look() const { return since_ + kShortestLook; }

  /// What disturbed the host since the last look, or since the object was made, one sentence per reason; empty: it was
  /// quiet. The next look begins now.
  std::vector<std::string> look();

 private:
  HostActivity activity() const;

  std::string proc_stat_;
  Clock::time_point since_;
  HostActivity before_;
};

}  // namespace shadowwalk
