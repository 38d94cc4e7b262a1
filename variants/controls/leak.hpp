// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/contract.hpp"

namespace shadowwalk {

/// leak: never frees. The positive control and the speed limit: its walk is the engine's walk with no scheme at all.
///
/// Read side: nothing. Commit: flush_remote_tlbs(), then keep the pages. Ordering: none is needed, since no page that a
/// walker can reach is ever reused. Source: the "Leaky" reclaimer of the literature's benchmarks.
/// Cost: no read side; memory grows with every zap, so a cell must fit in memory as a whole.
template <class Machine>
class Leak {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{.name = "leak",
                                     .family = Family::control,
                                     .summary = "never frees: the positive control and the speed limit of a walk",
                                     .source = "the leaky reclaimer of reclamation benchmarks",
                                     .read_side_cost = "none",
                                     .unreclaimed_bound = "none: every page ever zapped",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "memory for rate x time"};

  explicit Leak(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Leak&, typename Machine::Vcpu&) {}
    static void begin() {}
    static bool end() { return true; }
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    kept_.splice(std::move(batch));
  }
  void drain() { environment_.free(std::move(kept_)); }

 private:
  Environment<Machine, Node>& environment_;
  PageBatch<Node> kept_;  // mmu_lock
};

}  // namespace shadowwalk
