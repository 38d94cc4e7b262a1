#pragma once

#include <cstdint>

#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"
#include "harness/mmu/mmu_counts.hpp"

namespace shadowwalk {

/// The zaps of one thread. Own thread only, until it has ended.
struct ZapRecord {
  std::uint64_t zaps = 0;  ///< in the window, of those that found something
  std::uint64_t zaps_empty = 0;
  std::uint64_t zaps_total = 0;  ///< in the cell's whole life, of those that found something
  std::uint64_t zaps_empty_total = 0;
  Histogram zap_ns;          ///< from the intended start
  Histogram zap_service_ns;  ///< from the real one

  void record(const Zapped& zapped, std::uint64_t intended, std::uint64_t began, std::uint64_t end,
              const Window& window, bool clocked) {
    ++(zapped.empty() ? zaps_empty_total : zaps_total);
    if (!window.contains(end)) return;
    if (zapped.empty()) {
      ++zaps_empty;
      return;
    }
    ++zaps;
    if (!clocked) return;
    // Open loop: a zap that had to wait for the one before it began late, and its latency says so.
    zap_ns.record(CycleClock::to_whole_ns(end - intended));
    zap_service_ns.record(CycleClock::to_whole_ns(end - began));
  }
};

}  // namespace shadowwalk
