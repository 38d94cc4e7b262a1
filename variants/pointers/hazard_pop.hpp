#pragma once

#include "variants/pointers/hazard_scheme.hpp"

namespace shadowwalk {

/// hazard-pop: publish on ping: hazards are the walker's own until a freer that scans asks for them by an IPI.
///
/// read, end, commit: hazard's (hazard.hpp), but (1) is a plain store that the compiler leaves where it is, and (4) an
/// IPI to each vCPU that is online, whose acknowledgement is waited for. offline: clear the vCPU's word by a release
/// store. online: (6) set it by xchg.
///
/// (1) and (4): taking the IPI is a full barrier in the middle of the walk. Hazards stored before it are seen by (5),
///     since the acknowledgement releases them; a walker that stores one later has seen, by the IPI's acquire, that the
///     slots are cleared, and finds so at (2).
/// (6) and the full barrier before (7) are store buffering: "online; barrier; read SPTE" against "clear SPTE; barrier;
///     who is online?". Who is offline has no hazards and is not disturbed: not in the guest, not while it waits.
/// The paper's handler copies reservations from where only their thread sees them to where all do. Here they are words
/// that all see, so that the acknowledgement alone publishes; a scan takes the walkers' lines for it.
/// Source: A. Singh and T. Brown, Publish on Ping: A Better Way to Publish Reservations in Memory Reclamation for
/// Concurrent Data Structures, PPoPP 2025.
/// Cost: a store and one more load a level; an IPI to each walking vCPU each scan; bounds are hazard's.
template <class Machine>
class HazardPop : public HazardScheme<Machine, HazardFence::ping> {
  using Scheme = HazardScheme<Machine, HazardFence::ping>;

 public:
  static constexpr VariantInfo kInfo{.name = "hazard-pop",
                                     .family = Family::pointer,
                                     .summary = "hazard pointers that walkers publish when a scan pings them",
                                     .source = "Singh and Brown, PPoPP 2025",
                                     .read_side_cost = "one store and one more load a level",
                                     .unreclaimed_bound = "max(64, 2 x vCPUs x 4 hazards) - 1 pages",
                                     .most_unreclaimed = Scheme::most_unreclaimed,
                                     .needs = "IPIs that wait"};
  using Scheme::Scheme;
};

}  // namespace shadowwalk
