// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/pointers/hazard_scheme.hpp"

namespace shadowwalk {

/// hazard-asym: hazard pointers whose full barrier the scanning freer pays for, on every CPU.
///
/// read, end, commit: hazard's (hazard.hpp), but (1) publishes by a plain store that the compiler does not move, and
/// (4) is membarrier.
///
/// (1) and (4) are hazard's store buffering with an asymmetric fence: membarrier makes every CPU pass a full barrier
///     after the slots were cleared and before the hazards are read. If a hazard was stored before it, (5) sees the
///     hazard; if later, the walker loads its slot again (2) after the barrier, and finds it cleared.
/// (2), (3), (5) are hazard's.
/// Source: folly's AsymmetricMemoryBarrier under its hazptr (Facebook 2016); D. Dice, M. Herlihy and A. Kogan, Fast
/// non-intrusive memory reclamation for highly-concurrent data structures, ISMM 2016, have the idea with mprotect.
/// Cost: a store and one more load per level; a membarrier per scan, so per 64 retired pages; bounds are hazard's.
template <class Machine>
class HazardAsym : public HazardScheme<Machine, HazardFence::membarrier> {
  using Scheme = HazardScheme<Machine, HazardFence::membarrier>;

 public:
  static constexpr VariantInfo kInfo{.name = "hazard-asym",
                                     .family = Family::pointer,
                                     .summary = "hazard pointers by plain stores; a scan's membarrier pays for them",
                                     .source = "folly hazptr; Dice, Herlihy, Kogan, ISMM 2016",
                                     .read_side_cost = "one store and one more load per level",
                                     .unreclaimed_bound = "max(64, 2 x vCPUs x 4 hazards) - 1 pages",
                                     .most_unreclaimed = Scheme::most_unreclaimed,
                                     .needs = "membarrier PRIVATE_EXPEDITED",
                                     .needs_membarrier = true};
  using Scheme::Scheme;
};

}  // namespace shadowwalk
