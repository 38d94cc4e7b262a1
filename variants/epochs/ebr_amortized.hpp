// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/epochs/epoch_scheme.hpp"

namespace shadowwalk {

/// ebr-amortized: ebr that frees a few pages per commit, however many may be freed.
///
/// begin, end: ebr's. commit: as ebr's, but a bag that may be freed goes to a list; the commit frees two pages of the
/// list per page that it retired. Orderings are ebr's (ebr.hpp).
///
/// Freeing a whole bag at once makes one zap in many long, holds mmu_lock meanwhile, and gives the allocator more pages
/// than its caches hold. Two for one, so that the backlog of a large zap shrinks.
/// Source: D. Kim, T. Brown and A. Singh, Are Your Epochs Too Epic? Batch Free Can Be Harmful, PPoPP 2024 (amortized
/// free; one per operation there).
/// Cost: ebr's read side; pages that may be freed wait for later zaps, beside those that a stalled walker keeps.
template <class Machine>
class EbrAmortized : public EpochScheme<Machine, true, /*kFreesPerRetired=*/2> {
 public:
  static constexpr VariantInfo kInfo{
      .name = "ebr-amortized",
      .family = Family::epoch,
      .summary = "ebr that frees two pages for each retired one, never a whole bag",
      .source = "Kim, Brown, Singh, PPoPP 2024",
      .read_side_cost = "xchg and a release store on the vCPU's own line",
      .unreclaimed_bound = "none: what is zapped while a walker is inside a section, and a backlog",
      .most_unreclaimed = no_unreclaimed_bound,
      .needs = "nothing"};
  using EpochScheme<Machine, true, 2>::EpochScheme;
};

}  // namespace shadowwalk
