// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/pointers/hazard_scheme.hpp"

namespace shadowwalk {

/// hazard-pop: publish on ping: hazards are the walker's own until a freer that scans asks for them by an IPI.
///
/// read, end, commit: hazard's (hazard.hpp), but (1) is a plain store that the compiler does not move, and (4) an IPI
/// to each online vCPU and a wait for all acknowledgements. offline: clear the vCPU's word by a release store. online:
/// (6) set it by xchg.
///
/// (1) and (4): taking the IPI is a full barrier in the middle of the walk. (5) sees hazards that were stored before
///     it, since the acknowledgement releases them; a walker that stores one later has acquired by the IPI that the
///     slots are cleared, and finds them so at (2).
/// (6) and the full barrier before (7) are store buffering: "online; barrier; read SPTE" against "clear SPTE; barrier;
///     read the online words". An offline vCPU has no hazards and is not disturbed, neither in the guest nor while it
///     waits.
/// The paper's handler copies reservations from memory that only their thread sees to shared memory. Here they are
/// shared words, so that the acknowledgement alone publishes them; a scan therefore transfers the walkers' lines.
/// Source: A. Singh and T. Brown, Publish on Ping: A Better Way to Publish Reservations in Memory Reclamation for
/// Concurrent Data Structures, PPoPP 2025.
/// Cost: a store and one more load per level; an IPI to each walking vCPU per scan; bounds are hazard's.
template <class Machine>
class HazardPop : public HazardScheme<Machine, HazardFence::ping> {
  using Scheme = HazardScheme<Machine, HazardFence::ping>;

 public:
  static constexpr VariantInfo kInfo{.name = "hazard-pop",
                                     .family = Family::pointer,
                                     .summary = "hazard pointers that walkers publish when a scan pings them",
                                     .source = "Singh and Brown, PPoPP 2025",
                                     .read_side_cost = "one store and one more load per level",
                                     .unreclaimed_bound = "max(64, 2 x vCPUs x 4 hazards) - 1 pages",
                                     .most_unreclaimed = Scheme::most_unreclaimed,
                                     .needs = "IPIs that wait"};
  using Scheme::Scheme;
};

}  // namespace shadowwalk
