#pragma once

#include "variants/epochs/epoch_scheme.hpp"

namespace shadowwalk {

struct EbrAmortizedPolicy {
  static constexpr bool kFence = true;
  static constexpr std::size_t kFreesPerRetired = 2;
};

/// ebr-amortized: ebr that frees a few pages a commit, however many may be freed.
///
/// begin, end: ebr's. commit: as ebr's, but a bag that may be freed goes to a list; two pages of it are freed for each
/// that the commit retired. Orderings are ebr's (ebr.hpp).
///
/// Freeing a whole bag at once makes one zap in many long, holds mmu_lock for it, and hands the allocator more than its
/// caches take. Two for one, so that what a large zap left behind is worked off.
/// Source: D. Kim, T. Brown and A. Singh, Are Your Epochs Too Epic? Batch Free Can Be Harmful, PPoPP 2024 (amortized
/// free; one an operation there).
/// Cost: ebr's read side; what may be freed waits for later zaps, beside what a stalled walker keeps.
template <class Machine>
class EbrAmortized : public EpochScheme<Machine, EbrAmortizedPolicy> {
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
  using EpochScheme<Machine, EbrAmortizedPolicy>::EpochScheme;
};

}  // namespace shadowwalk
