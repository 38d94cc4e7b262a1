#pragma once

#include <cstdint>

namespace shadowwalk {

/// What one vCPU's walks and faults came to, in its whole life.
struct WalkCounts {
  std::uint64_t restarts = 0;           ///< walks sent back to the root by the variant
  std::uint64_t violations = 0;         ///< used results that came from a freed page
  std::uint64_t made_writable = 0;      ///< leaves made writable without the lock
  std::uint64_t stalls = 0;             ///< inside walks, asked for (ReadDelay)
  std::uint64_t quota_zaps = 0;         ///< faults that recycled pages for the quota
  std::uint64_t page_table_writes = 0;  ///< emulated, where the table that was written had a shadow
  std::uint64_t flood_zaps = 0;         ///< of them, those that zapped the shadow

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

}  // namespace shadowwalk
