// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/pointers/hazard_scheme.hpp"

namespace shadowwalk {

/// hazard-novalidate: hazard that trusts the slot it read before its hazard was visible: (2) of hazard.hpp is missing.
/// A page that is unlinked, scanned for and freed between the load and the publication is walked nevertheless. Must be
/// caught.
/// Source: the mistake that Michael's paper is about.
template <class Machine>
class HazardNoValidate : public HazardScheme<Machine, HazardFence::walker, /*kValidate=*/false> {
  using Scheme = HazardScheme<Machine, HazardFence::walker, false>;

 public:
  static constexpr VariantInfo kInfo{.name = "hazard-novalidate",
                                     .family = Family::negative,
                                     .summary = "hazard that does not load the slot again: must be caught",
                                     .source = "hazard, one step left out",
                                     .read_side_cost = "one xchg per level",
                                     .unreclaimed_bound = "max(64, 2 x vCPUs x 4 hazards) - 1 pages",
                                     .most_unreclaimed = Scheme::most_unreclaimed,
                                     .needs = "nothing",
                                     .safe = false};
  using Scheme::Scheme;
};

}  // namespace shadowwalk
