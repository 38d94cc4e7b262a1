// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/epochs/epoch_scheme.hpp"

namespace shadowwalk {

/// ebr-nofence: ebr whose walkers announce their epoch by a plain store: (1) of ebr.hpp is missing. The announcement
/// waits in the store buffer while the walk reads, and commit sees no walker. Must be caught.
/// Source: the bug that Fraser's and most later papers warn against.
template <class Machine>
class EbrNoFence : public EpochScheme<Machine, /*kFence=*/false> {
 public:
  static constexpr VariantInfo kInfo{.name = "ebr-nofence",
                                     .family = Family::negative,
                                     .summary = "ebr without the barrier after the announcement: must be caught",
                                     .source = "ebr, one step left out",
                                     .read_side_cost = "two plain stores on the vCPU's own line",
                                     .unreclaimed_bound = "none: as ebr",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "nothing",
                                     .safe = false};
  using EpochScheme<Machine, false>::EpochScheme;
};

}  // namespace shadowwalk
