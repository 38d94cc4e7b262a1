// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

#include "harness/measure/footprint.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/mmu/mmu_counts.hpp"

namespace shadowwalk {

/// What the workload's host actions did in the cell's whole life, zaps of shadow pages excepted.
struct HostActionCounts {
  std::uint64_t leaves_zapped = 0;           ///< by invalidations
  std::uint64_t leaves_write_protected = 0;  ///< dirty pages found by dirty logging
  std::uint64_t dirty_rounds = 0;            ///< complete passes of dirty logging over the guest's memory
  std::uint64_t dirty_pages_last_round = 0;  ///< found by the last complete one
  std::uint64_t shrinks = 0;
  std::uint64_t shrinks_unfinished = 0;  ///< some page was not free after 100 ms, or when the cell ended
  Histogram shrink_ns;                   ///< in the window: from the request until the last page was free
};

/// Where an MMU keeps what it records, while it runs: exact when nothing walks or zaps any more.
struct MmuRecords {
  const HostActionCounts& host_actions;
  const ZapTimes& zap_times;
  const Histogram& lock_wait_ns;
  const Histogram& lock_hold_ns;
  const Footprint& footprint;
};

/// What one MMU measured, on whichever machine it ran.
struct MmuMeasurement {
  HostActionCounts host_actions;
  ZapTimes zap_times;
  Histogram lock_wait_ns;  ///< mmu_lock, of zaps and faults
  Histogram lock_hold_ns;  ///< mmu_lock, of zaps, commit included
  Footprint::Result footprint;
};

/// When zappers have stopped and the last vCPU has gone.
inline MmuMeasurement measured(const MmuRecords& records) {
  return {.host_actions = records.host_actions,
          .zap_times = records.zap_times,
          .lock_wait_ns = records.lock_wait_ns,
          .lock_hold_ns = records.lock_hold_ns,
          .footprint = records.footprint.result()};
}

}  // namespace shadowwalk
