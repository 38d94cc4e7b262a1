#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "harness/measure/quiet.hpp"

namespace shadowwalk::run {

/// Holds measurements back until the host is quiet, for a bounded time. Each wait in vain halves the next one's limit,
/// down to a single look, and a quiet host restores it: a load that stays must not stretch a run for hours.
/// Not thread-safe.
class QuietGate {
 public:
  /// `most`: the longest wait; 0: it never waits. `proc_stat`: a file like /proc/stat.
  explicit QuietGate(std::chrono::nanoseconds most, std::string proc_stat = "/proc/stat");

  /// Returns when the host was quiet since the last wait, cells of this process apart, or is now; when the limit is
  /// used up; or when `stop_fd` (-1: none) is readable. On a quiet host it returns at once, but for the first time.
  void wait(int stop_fd);

  std::size_t waits_in_vain() const { return waits_in_vain_; }
  /// Why the host was not quiet at the end of the last wait in vain.
  const std::string& last_reason() const { return last_reason_; }

 private:
  const std::chrono::nanoseconds most_;
  std::chrono::nanoseconds patience_;
  QuietWatch watch_;
  std::size_t waits_in_vain_ = 0;
  std::string last_reason_;
};

}  // namespace shadowwalk::run
