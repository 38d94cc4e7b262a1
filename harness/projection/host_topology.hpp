#pragma once

#include "harness/coherence/topology.hpp"

namespace shadowwalk::projection {

/// This host: its shape by hwloc, its line transfers by measure_line_transfer() between one pair of CPUs of each tier
/// that it has, what loads, stores, locked operations and mfence take on its own lines. What cannot be measured so
/// (memory, IPIs, guest exits) is an estimate; `source` says which is which. Takes half a second; for a quiet host.
/// Throws CellError.
coherence::Topology measure_host_topology();

}  // namespace shadowwalk::projection
