#pragma once

#include <string>
#include <vector>

#include "harness/coherence/topology.hpp"

namespace shadowwalk::projection {

/// This host: its shape by hwloc, its line transfers by measure_line_transfer() between one pair of CPUs of each tier
/// that it has, and the measured costs of loads, stores, locked operations and mfence on its own lines. What cannot be
/// measured so (memory, IPIs, guest exits) is an estimate; `source` says which is which. Takes half a second; needs a
/// quiet host. Throws CellError.
coherence::Topology measure_host_topology();

/// What the model and this host answer to one question: by which factor does rcu-counter's read side cost more than
/// irq-ipi's? The cost of a read side is that of a walk minus that of leak's walk.
struct HostComparison {
  struct Row {
    unsigned vcpus = 1;
    double simulated_ratio = 0;
    double measured_ratio = 0;  ///< of the median round
    double measured_least = 0;
    double measured_greatest = 0;

    /// Error of the simulated ratio, in percent of the measured one.
    double error_percent() const { return (simulated_ratio / measured_ratio - 1) * 100; }
  };
  std::vector<Row> rows;  ///< for 1 and 2 vCPUs
  std::string missing;    ///< why a row is missing; empty if none is
};

/// Simulates `host` and measures this host: cells of mmio-poll without zappers, thread guests, `rounds` interleaved
/// rounds of leak, rcu-counter and irq-ipi, medians over the rounds. A round takes 2 s.
HostComparison compare_with_host(const coherence::Topology& host, unsigned rounds);

}  // namespace shadowwalk::projection
