#include "harness/lab/open_loop.hpp"

#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>

#include "harness/machine/backoff.hpp"
#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk {

std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks, const std::atomic<bool>& stop, bool yields) {
  constexpr double kSpinNs = 100'000;       // a sleep may wake this late
  constexpr double kLongestSleepNs = 20e6;  // then look whether the cell is over
  for (;;) {
    if (stop.load(std::memory_order_relaxed)) return std::nullopt;
    const std::uint64_t now = CycleClock::now();
    if (now >= ticks) return now;
    const double left_ns = CycleClock::to_ns(ticks - now);
    if (left_ns > kSpinNs) {
      const auto sleep_ns = static_cast<long>(std::min(left_ns - kSpinNs, kLongestSleepNs));
      const timespec time{0, sleep_ns};
      nanosleep(&time, nullptr);  // EINTR, an IPI: the loop looks again
    } else if (yields) {
      sched_yield();
    } else {
      cpu_relax();
    }
  }
}

void sleep_precisely() { prctl(PR_SET_TIMERSLACK, 1ul); }

}  // namespace shadowwalk
