#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/guest/access.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// What one vCPU's walks took, in the window. Only bursts that lie in the window as a whole count as walks.
struct WalkRecord {
  explicit WalkRecord(const Window& window_in, unsigned walks_per_exit)
      : window(window_in), sample_period(walks_per_exit < kAlwaysSampledBurst ? 1 : kSamplePeriod) {}

  static constexpr unsigned kAlwaysSampledBurst = 64;
  /// Prime, so that samples do not stay in step with a program's or a table's period.
  static constexpr std::size_t kSamplePeriod = 1021;

  const Window& window;
  const std::size_t sample_period;
  std::size_t until_sample = 1;

  std::uint64_t walks = 0;
  std::uint64_t walk_ticks = 0;  ///< whole bursts less their faults
  std::uint64_t faults = 0;
  Histogram walk_ns;   ///< sampled single walks, one clock read in each
  Histogram fault_ns;  ///< mmu_lock wait included
};

/// Walks a burst on `vcpu`, which offers `bool served(Access)` and `void fault(Access)`, and clocks it: two clock reads
/// a burst, two a fault, two a sampled walk.
template <class WalkingVcpu>
void walk_burst(WalkingVcpu& vcpu, std::span<const Access> accesses, WalkRecord& record) {
  const std::uint64_t start = CycleClock::now();
  const bool counts = record.window.contains(start);
  std::uint64_t fault_ticks = 0;
  const auto access_once = [&](Access access) __attribute__((always_inline)) {
    if (vcpu.served(access)) [[likely]]
      return true;
    const std::uint64_t fault_start = CycleClock::now();
    vcpu.fault(access);
    const std::uint64_t ticks = CycleClock::now() - fault_start;
    fault_ticks += ticks;
    if (counts) {
      ++record.faults;
      record.fault_ns.record(static_cast<std::uint64_t>(CycleClock::to_ns(ticks)));
    }
    return false;
  };

  for (std::size_t i = 0; i < accesses.size();) {
    const std::size_t plain = std::min(accesses.size() - i, record.until_sample - 1);
    for (const std::size_t stop = i + plain; i < stop; ++i) access_once(accesses[i]);
    record.until_sample -= plain;
    if (i == accesses.size()) break;
    const std::uint64_t sample_start = CycleClock::now();
    const bool served = access_once(accesses[i++]);
    const std::uint64_t ticks = CycleClock::now() - sample_start;
    if (counts && served) record.walk_ns.record(static_cast<std::uint64_t>(CycleClock::to_ns(ticks)));
    record.until_sample = record.sample_period;
  }

  const std::uint64_t end = CycleClock::now();
  if (counts && end < record.window.end()) {
    record.walks += accesses.size();
    record.walk_ticks += end - start - fault_ticks;
  }
}

}  // namespace shadowwalk
