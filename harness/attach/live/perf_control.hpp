#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_directory.hpp"

namespace shadowwalk::live {

/// The two fifos of `perf record --control=fifo:CONTROL,ACK`, as the one who commands perf holds them. Waits have
/// limits, and a perf that dies ends them: no call hangs.
class PerfControl {
 public:
  using Clock = std::chrono::steady_clock;

  /// Opens them, as soon as perf has; nothing if it has not by `until`, or `starter`, the process that starts perf, is
  /// gone.
  static std::optional<PerfControl> open(const RuntimeDirectory& directory, const Process& starter,
                                         Clock::time_point until);

  PerfControl(PerfControl&& other) noexcept;
  PerfControl& operator=(PerfControl&&) = delete;
  ~PerfControl();

  /// Sends `enable` or `disable`. Whether perf has acknowledged it by `until`: it is done then.
  bool command(std::string_view word, Clock::time_point until);

 private:
  PerfControl(int control, int ack) : control_(control), ack_(ack) {}

  int control_;
  int ack_;
};

}  // namespace shadowwalk::live
