#include "harness/lab/thread_disturbance.hpp"

#include <algorithm>
#include <cmath>

#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/noise.hpp"

namespace shadowwalk {

ThreadDisturbance::Moment ThreadDisturbance::moment() {
  return {.ticks = CycleClock::now(),
          .cpu_ns = cpu_ns_of_this_thread(),
          .involuntary_switches = involuntary_switches_of_this_thread()};
}

void ThreadDisturbance::pass(std::uint64_t now) {
  constexpr double kProbeLeadNs = 2e6;  // at the end of the warm-up: a CPU that was idle starts slowly
  if (phase_ == Phase::early && now >= window_.start() - CycleClock::from_ns(kProbeLeadNs)) {
    if (always_busy_) speed_before_ = shadowwalk::core_speed();
    phase_ = Phase::ready;
  }
  if (phase_ == Phase::ready && now >= window_.start()) {
    start_ = end_ = moment();
    phase_ = Phase::within;
  }
  if (phase_ == Phase::within && now >= window_.end()) {
    end_ = moment();
    if (always_busy_) speed_after_ = shadowwalk::core_speed();
    phase_ = Phase::over;
  }
}

double ThreadDisturbance::off_cpu_ns() const {
  if (!always_busy_) return 0;
  const double ran = static_cast<double>(end_.cpu_ns - start_.cpu_ns);
  return std::max(0.0, CycleClock::to_ns(end_.ticks - start_.ticks) - ran);
}

void add_walker(Noise& noise, const ThreadDisturbance& walker) {
  noise.walker_switches += walker.involuntary_switches();
  noise.walkers_off_cpu_ns += walker.off_cpu_ns();
  if (noise.core_speed == 0) noise.core_speed = walker.core_speed();
  const double change = walker.core_speed_change();
  if (std::abs(change - 1) > std::abs(noise.core_speed_change - 1)) noise.core_speed_change = change;
}

}  // namespace shadowwalk
