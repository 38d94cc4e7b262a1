// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/rcu_batch_node.hpp"

namespace shadowwalk {

/// rcu-batch: RCU alone, one callback per zap: rcu-counter without its counter.
///
/// begin: rcu_read_lock. end: rcu_read_unlock.
/// commit: flush_remote_tlbs(); (1) one call_rcu for all pages.
///
/// (1) orders as in rcu (rcu.hpp). Compared with rcu it shows what one callback per page costs; compared with
/// rcu-counter, what the counter costs walkers and saves in memory.
/// Source: rcu-counter's delayed path (Linux c2a2ac2b563c, 2012), taken always.
/// Cost: rcu_read_lock and unlock; unreclaimed is what is zapped within a grace period. Needs RCU with a reclaimer
/// thread.
template <class Machine>
class RcuBatch {
 public:
  using Node = RcuBatchNode<Machine>;
  static constexpr VariantInfo kInfo{.name = "rcu-batch",
                                     .family = Family::kernel,
                                     .summary = "RCU alone, one callback per zap",
                                     .source = "Linux c2a2ac2b563c (2012) without its counter",
                                     .read_side_cost = "rcu_read_lock and unlock",
                                     .unreclaimed_bound = "none: what is zapped within a grace period",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "RCU with a reclaimer thread",
                                     .needs_membarrier = true};

  explicit RcuBatch(Environment<Machine, Node>& environment)
      : environment_(environment), rcu_(environment.machine.rcu()) {}

  struct Walker : RcuWalker<Machine> {
    Walker(RcuBatch&, typename Machine::Vcpu&) {}
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    call_rcu_for_batch<Machine>(rcu_, environment_, std::move(batch));  // (1)
  }
  void drain() { rcu_.barrier(); }

 private:
  Environment<Machine, Node>& environment_;
  typename Machine::Rcu& rcu_;
};

}  // namespace shadowwalk
