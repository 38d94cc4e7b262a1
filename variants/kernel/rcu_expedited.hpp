// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/rcu_batch_node.hpp"

namespace shadowwalk {

/// rcu-expedited: RCU, and the freer waits for the grace period.
///
/// begin: rcu_read_lock. end: rcu_read_unlock.
/// commit: flush_remote_tlbs(); (1) wait for a grace period; free at once.
///
/// (1) orders as in rcu (rcu.hpp). mmu_lock is held meanwhile: a thread that takes it is outside any section, so the
/// grace period never waits for a thread that waits for the lock; but faults and other zaps wait as long as it takes.
/// Source: synchronize_rcu_expedited() of Linux since 2.6.32 (2009); by IPIs, as membarrier does it for liburcu.
/// Cost: rcu_read_lock and unlock; nothing unreclaimed; each zap waits for two rounds of IPIs and the longest section.
template <class Machine>
class RcuExpedited {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{.name = "rcu-expedited",
                                     .family = Family::kernel,
                                     .summary = "RCU, and commit waits for the grace period",
                                     .source = "synchronize_rcu_expedited() of Linux",
                                     .read_side_cost = "rcu_read_lock and unlock",
                                     .unreclaimed_bound = "0: freed in commit, after a grace period",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "RCU whose grace periods are short",
                                     .needs_membarrier = true};

  explicit RcuExpedited(Environment<Machine, Node>& environment)
      : environment_(environment), rcu_(environment.machine.rcu()) {}

  struct Walker : RcuWalker<Machine> {
    Walker(RcuExpedited&, typename Machine::Vcpu&) {}
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    rcu_.synchronize();  // (1)
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
  typename Machine::Rcu& rcu_;
};

}  // namespace shadowwalk
