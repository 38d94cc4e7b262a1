#pragma once

#include <string>
#include <vector>

#include "harness/coherence/topology.hpp"

namespace shadowwalk::projection {

/// What the model says and what the host says of one question: how much dearer rcu-counter's read side is than
/// irq-ipi's. A read side's cost is a walk's less that of leak.
struct Held {
  unsigned vcpus = 1;
  double simulated_ratio = 0;
  double measured_ratio = 0;  ///< the median round's
  double measured_least = 0;
  double measured_greatest = 0;

  /// Of the simulated ratio, in per cent of the measured one.
  double error_percent() const { return (simulated_ratio / measured_ratio - 1) * 100; }
};

struct HeldAgainstHost {
  std::vector<Held> rows;  ///< for 1 and 2 vCPUs
  std::string missing;     ///< why a row is missing; empty if none is
};

/// Simulates `host` and measures the host: cells of mmio-poll without zappers, thread guests, `rounds` interleaved
/// rounds of leak, rcu-counter and irq-ipi, medians over them. 2 s a round.
HeldAgainstHost hold_against_host(const coherence::Topology& host, unsigned rounds);

}  // namespace shadowwalk::projection
