#pragma once

#include <cstdint>

#include "harness/measure/histogram.hpp"

namespace shadowwalk {

/// What the workload's host part did in the cell's whole life, zaps of shadow pages excepted.
struct HostTotals {
  std::uint64_t leaves_zapped = 0;           ///< by invalidations
  std::uint64_t leaves_write_protected = 0;  ///< dirty pages found by dirty logging
  std::uint64_t dirty_rounds = 0;            ///< complete passes of dirty logging over the guest's memory
  std::uint64_t dirty_pages_last_round = 0;  ///< found by the last complete one
  std::uint64_t shrinks = 0;
  std::uint64_t shrinks_unfinished = 0;  ///< some page was not free after 100 ms, or when the cell ended
  Histogram shrink_ns;                   ///< in the window: from the request until the last page was free
};

}  // namespace shadowwalk
