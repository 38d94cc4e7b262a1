#include "harness/replay/trace_guest.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>

#include "harness/machine/backoff.hpp"
#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::replay {

TraceGuest::TraceGuest(const Config& config, const Window& window)
    : clock_(config.pace),
      feeder_(config.file, {.vcpus = config.vcpus,
                            .host_lane = config.host_lane,
                            .ahead = config.pace.closed_loop ? kAheadInClosedLoop : kAheadInOpenLoop}),
      shared_{clock_, window, config.burst, config.clocked, config.cpus_are_short} {
  for (unsigned i = 0; i < config.vcpus; ++i) {
    vcpus_.push_back(std::make_unique<ReplayVcpu>(feeder_.vcpu_lane(i), shared_));
  }
}

std::span<const Access> ReplayVcpu::enter() {
  lane_.done(taken_);
  taken_ = 0;
  accesses_.clear();
  while (!kicked()) {
    const std::span<const FedEvent> there = lane_.available();
    if (there.empty() || !shared_.clock.started()) {
      sleep(backoff_.next_ns());
      continue;
    }
    backoff_.reset();
    const std::uint64_t due = shared_.clock.due(there.front().event.time_ns);
    const std::uint64_t now = CycleClock::now();
    if (now < due) {
      wait_near(due - now);
    } else {
      take(there, now);
      return accesses_;
    }
  }
  return {};
}

/// Takes the due accesses up to the first zap.
void ReplayVcpu::take(std::span<const FedEvent> there, std::uint64_t now) {
  for (const FedEvent& fed : there) {
    const auto kind = trace::access_of(fed.event.kind);
    if (!kind || accesses_.size() == shared_.burst) break;
    const std::uint64_t due = shared_.clock.due(fed.event.time_ns);
    if (due > now) break;
    accesses_.push_back(Access::make(fed.event.gfn, *kind));
    counts_.note(now, due, shared_.window, shared_.clocked);
  }
  taken_ = accesses_.size();
}

const FedEvent* ReplayVcpu::due_zap() {
  lane_.done(taken_);
  taken_ = 0;
  const std::span<const FedEvent> there = lane_.available();
  if (there.empty() || trace::access_of(there.front().event.kind) || !shared_.clock.started()) return nullptr;
  const std::uint64_t due = shared_.clock.due(there.front().event.time_ns);
  return due == 0 || due <= CycleClock::now() ? &there.front() : nullptr;
}

void ReplayVcpu::zap_done(std::uint64_t began) {
  counts_.note(began, shared_.clock.due(lane_.available().front().event.time_ns), shared_.window, shared_.clocked);
  lane_.done(1);
}

bool ReplayVcpu::kicked() { return std::atomic_ref(immediate_exit_.byte).load(std::memory_order_relaxed) != 0; }

/// Sleeps far from the due time and spins near it. If CPUs are short it sleeps until the due time and is late by the
/// wake-up latency: a yield would count as a preemption of the walker. A kick ends the wait.
void ReplayVcpu::wait_near(std::uint64_t left_ticks) {
  constexpr double kSpinNs = 100'000;  // a sleep may wake this late
  constexpr double kLongestSleepNs = 20e6;
  const double left_ns = CycleClock::to_ns(left_ticks);
  const double spin_ns = shared_.cpus_are_short ? 0 : kSpinNs;
  if (left_ns > spin_ns) {
    sleep(static_cast<std::uint64_t>(std::min(left_ns - spin_ns, kLongestSleepNs)) + 1);
  } else {
    cpu_relax();
  }
}

/// Sleeps until a kick, at most `ns` < 1 s: the kick's signal ends the sleep, and after an earlier kick the byte is
/// set.
void ReplayVcpu::sleep(std::uint64_t ns) {
  const timespec time{0, static_cast<long>(ns)};
  static_assert(sizeof(ImmediateExit::byte) + sizeof(ImmediateExit::rest) == 4);
  syscall(SYS_futex, &immediate_exit_, FUTEX_WAIT_PRIVATE, 0, &time, nullptr, 0);
}

}  // namespace shadowwalk::replay
