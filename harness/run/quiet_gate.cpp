#include "harness/run/quiet_gate.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace shadowwalk::run {
namespace {

/// False: `stop_fd` has become readable, or a signal came.
bool sleep_until(QuietWatch::Clock::time_point time, int stop_fd) {
  pollfd stop{stop_fd, POLLIN, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - QuietWatch::Clock::now()).count();
  return left <= 0 || poll(&stop, 1, static_cast<int>(left)) == 0;
}

}  // namespace

QuietGate::QuietGate(std::chrono::nanoseconds most, std::string proc_stat)
    : most_(most), patience_(most), watch_(std::move(proc_stat)) {}

void QuietGate::wait(int stop_fd) {
  if (most_ <= std::chrono::nanoseconds{0}) return;
  const auto end = QuietWatch::Clock::now() + patience_;
  do {
    if (!sleep_until(watch_.next_look(), stop_fd)) return;
    const std::vector<std::string> reasons = watch_.look();
    if (reasons.empty()) {
      patience_ = most_;
      return;
    }
    last_reason_ = reasons.front();
  } while (QuietWatch::Clock::now() < end);
  ++waits_in_vain_;
  patience_ /= 2;
}

}  // namespace shadowwalk::run
