// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

namespace shadowwalk {

/// How much of itself the lab adds to what it measures. Each level includes the previous ones.
enum class Instrumentation {
  none,   ///< what is in the window, and nothing else: counts and rates
  light,  ///< clocks bursts, faults, zaps, frees, IPIs and mmu_lock
  full,   ///< samples single walks and sections, clocks exits
};

/// Whether the walks of a burst may overlap in the CPU.
enum class WalkMode {
  throughput,  ///< they may: the gfns are known beforehand
  latency,     ///< no walk begins before the leaf of the one before it is there, as in a vCPU that exits for each
};

}  // namespace shadowwalk
