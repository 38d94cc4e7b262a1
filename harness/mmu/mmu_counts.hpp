// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/measure/histogram.hpp"

/// What walks, faults and zaps report. No templates: measurement uses these without the MMU.
namespace shadowwalk {

/// What one vCPU's walks and faults did, in its whole life.
struct WalkCounts {
  std::uint64_t restarts = 0;           ///< walks sent back to the root by the variant
  std::uint64_t violations = 0;         ///< used results that came from a freed page
  std::uint64_t made_writable = 0;      ///< leaves made writable without the lock
  std::uint64_t stalls = 0;             ///< inside walks, requested by ReadDelay
  std::uint64_t quota_zaps = 0;         ///< faults that recycled pages for the quota
  std::uint64_t page_table_writes = 0;  ///< emulated writes to tables that had a shadow
  std::uint64_t flood_zaps = 0;         ///< page-table writes that zapped the shadow

  WalkCounts& operator+=(const WalkCounts& other) {
    restarts += other.restarts;
    violations += other.violations;
    made_writable += other.made_writable;
    stalls += other.stalls;
    quota_zaps += other.quota_zaps;
    page_table_writes += other.page_table_writes;
    flood_zaps += other.flood_zaps;
    return *this;
  }
};

/// What a zap changed.
struct Zapped {
  std::size_t pages = 0;   ///< shadow pages unlinked
  std::size_t leaves = 0;  ///< leaf SPTEs cleared or write-protected by operations that free no page
  /// When mmu_lock was released, in ticks: what follows is the lab's own work on pages that were freed. 0: not clocked.
  std::uint64_t ended = 0;
  bool empty() const { return pages == 0 && leaves == 0; }
};

/// How long the two halves of zaps take, in ns: preparation from taking mmu_lock until the batch is ready, without lock
/// breaks; the variant's commit.
struct ZapTimes {
  Histogram prepare_ns;
  Histogram commit_ns;
  std::uint64_t commits_deferred = 0;  ///< commits in the window that left pages of their batch unfreed
  std::uint64_t pages_deferred = 0;    ///< those pages
};

}  // namespace shadowwalk
