#pragma once

#include "harness/measure/histogram.hpp"

namespace shadowwalk {

/// How long the halves of a zap take, in ns: prepare from holding mmu_lock until the batch is ready, lock breaks taken
/// out; commit is the variant's.
struct ZapTimes {
  Histogram prepare_ns;
  Histogram commit_ns;
};

}  // namespace shadowwalk
