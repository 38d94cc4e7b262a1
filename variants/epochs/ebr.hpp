// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/epochs/epoch_scheme.hpp"

namespace shadowwalk {

/// ebr: epoch-based reclamation: a walker announces the epoch it walks in; what was retired two epochs ago is free.
///
/// begin: (1) announce the global epoch, as it is now, in the vCPU's own word by xchg.
/// end:   (2) clear the word by a release store.
/// commit: flush_remote_tlbs(); put the batch into the epoch's bag; (3) full barrier; as long as pages wait: (4) if
///         every announced epoch is the current one, (5) advance it and free the bag of two epochs before.
///
/// (1) and (3) are store buffering: "announce; barrier; read SPTE" against "clear SPTE; barrier; read announcements".
/// (2) pairs with the acquire load (4): a commit that finds the word clear comes after the section's reads.
/// (5) releases to the load in begin: a walker that announces a later epoch sees all that was unlinked before.
/// Two epochs, since a walker may announce an epoch e that others have just left: the step from e to e + 1 was allowed
/// while it was about to read pages that are retired in e + 1. Its announcement prevents the step to e + 2.
/// Source: K. Fraser, Practical lock-freedom, Cambridge 2004 (UCAM-CL-TR-579), 5.2.3. There are bags per VM, not per
/// thread, since mmu_lock lets one zap retire at a time; so commits advance the epoch, and walkers do not.
/// Cost: a full barrier per walk; a stalled walker keeps everything that is zapped meanwhile.
template <class Machine>
class Ebr : public EpochScheme<Machine> {
 public:
  static constexpr VariantInfo kInfo{.name = "ebr",
                                     .family = Family::epoch,
                                     .summary = "epoch-based reclamation, three bags",
                                     .source = "Fraser 2004 (UCAM-CL-TR-579)",
                                     .read_side_cost = "xchg and a release store on the vCPU's own line",
                                     .unreclaimed_bound = "none: what is zapped while a walker is inside a section",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "nothing"};
  using EpochScheme<Machine>::EpochScheme;
};

}  // namespace shadowwalk
