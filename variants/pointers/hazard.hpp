// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/pointers/hazard_scheme.hpp"

namespace shadowwalk {

/// hazard: hazard pointers: a walker publishes each table before it reads it.
///
/// read, at each level above the leaf: load the slot; (1) publish the table's address in the level's hazard by xchg;
///        (2) load the slot again: if it changed, publish what it holds now.
/// end:   (3) clear the hazards by release stores.
/// commit: flush_remote_tlbs(); retire the batch; past a threshold: (4) full barrier, (5) load all hazards, free the
///         retired pages that none of them names.
///
/// (1) and (4) are store buffering: "hazard = table; barrier; read slot" against "clear slot; barrier; read hazards".
///     If the second load (2) still finds the table, the slot was not cleared before the hazard could be seen.
///     The engine's promise makes (2) sound: the slots of unlinked pages are cleared too, so that a retired child is
///     never found in an unlinked parent.
/// (3) pairs with the acquire (5): a scan that finds the hazard gone comes after the section's reads.
/// The root needs no hazard (counted reference), and the leaf SPTE points to no table.
/// Source: M. Michael, Hazard Pointers, IEEE TPDS 15(6), 2004.
/// Cost: a full barrier per level; at most threshold or vCPUs x levels pages unreclaimed, for any length of time.
template <class Machine>
class Hazard : public HazardScheme<Machine, HazardFence::walker> {
  using Scheme = HazardScheme<Machine, HazardFence::walker>;

 public:
  static constexpr VariantInfo kInfo{.name = "hazard",
                                     .family = Family::pointer,
                                     .summary = "hazard pointers: publish and re-validate each table",
                                     .source = "Michael 2004 (IEEE TPDS 15(6))",
                                     .read_side_cost = "one xchg and one more load per level",
                                     .unreclaimed_bound = "max(64, 2 x vCPUs x 4 hazards) - 1 pages",
                                     .most_unreclaimed = Scheme::most_unreclaimed,
                                     .needs = "nothing"};
  using Scheme::Scheme;
};

}  // namespace shadowwalk
