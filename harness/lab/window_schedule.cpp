#include "harness/lab/window_schedule.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "harness/lab/onlookers.hpp"
#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk {
namespace {

/// Before the window's start: whether it shall be put off is decided while all threads are told that it is ahead.
constexpr std::chrono::milliseconds kDecided{10};
/// From when the onlookers are ready: every thread has seen the new window before it begins, and has looked at its
/// CPU's speed.
constexpr std::chrono::milliseconds kLead{1};

std::uint64_t ticks(std::chrono::nanoseconds time) { return CycleClock::from_ns(static_cast<double>(time.count())); }

}  // namespace

WindowSchedule::WindowSchedule(const CellConfig& config, Window& window)
    : config_(config),
      window_(window),
      start_(CycleClock::now() + ticks(config.warmup)),
      end_(start_ + ticks(config.duration)) {
  window_.set(start_, end_);
}

bool WindowSchedule::wait_for_start(CellFailure& failure) {
  if (config_.onlookers != nullptr) {
    if (failure.wait_until(start_ - ticks(std::min<std::chrono::nanoseconds>(config_.warmup, kDecided)))) return true;
    if (config_.onlookers->await_window()) wait_for_onlookers();
  }
  return failure.wait_until(start_);
}

void WindowSchedule::wait_for_onlookers() {
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  window_.set(kNever, kNever);
  config_.onlookers->let_begin();
  start_ = CycleClock::now() + ticks(kLead);
  end_ = start_ + ticks(config_.duration);
  window_.set(start_, end_);
  const std::uint64_t begins_ns = CycleClock::monotonic_ns() + CycleClock::to_whole_ns(start_ - CycleClock::now());
  config_.onlookers->set_window(begins_ns, begins_ns + static_cast<std::uint64_t>(config_.duration.count()));
}

}  // namespace shadowwalk
