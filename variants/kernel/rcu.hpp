// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/rcu_batch_node.hpp"

namespace shadowwalk {

/// rcu: RCU alone, one callback per page. This is the TDP MMU's scheme (tdp_mmu_free_sp_rcu_callback).
///
/// begin: rcu_read_lock. end: rcu_read_unlock.
/// commit: flush_remote_tlbs(); (1) call_rcu for each page.
///
/// (1) is all the ordering there is: a grace period begins after the unlink, with a full barrier on every CPU, and ends
///     after every section that was open then. A walker that begins later sees the unlink; one that began before delays
///     the callback.
/// The kernel freezes the children of what it unlinks (REMOVED_SPTE), so that no page is linked below it; here the
/// engine's promise that no unlinked page gains a child does the same.
/// Source: Linux 7cca2d0b7e7d (KVM: x86/mmu: Protect TDP MMU page table memory with RCU), in 5.13 (2021).
/// Cost: rcu_read_lock and unlock, one store each to a line of the thread's own; unreclaimed is what is zapped within a
/// grace period. Needs RCU with a reclaimer thread.
template <class Machine>
class RcuPerPage {
 public:
  struct Node : Machine::RcuHead {
    VariantPage<Node>* page = nullptr;  ///< the page in which the head is embedded
  };
  static constexpr VariantInfo kInfo{.name = "rcu",
                                     .family = Family::kernel,
                                     .summary = "RCU alone, one callback per page (TDP MMU, Linux 5.13)",
                                     .source = "Linux 7cca2d0b7e7d, in 5.13 (2021)",
                                     .read_side_cost = "rcu_read_lock and unlock",
                                     .unreclaimed_bound = "none: what is zapped within a grace period",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "RCU with a reclaimer thread",
                                     .needs_membarrier = true};

  explicit RcuPerPage(Environment<Machine, Node>& environment)
      : environment_(environment), rcu_(environment.machine.rcu()) {}

  struct Walker : RcuWalker<Machine> {
    Walker(RcuPerPage&, typename Machine::Vcpu&) {}
  };

  void birth(VariantPage<Node>& page) { page.node.page = &page; }
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    while (!batch.empty()) rcu_.call(batch.pop_front().node, free_page, &environment_);  // (1)
  }
  void drain() { rcu_.barrier(); }

 private:
  static void free_page(typename Machine::RcuHead* head, void* environment) {
    static_cast<Environment<Machine, Node>*>(environment)->free(*static_cast<Node*>(head)->page);
  }

  Environment<Machine, Node>& environment_;
  typename Machine::Rcu& rcu_;
};

}  // namespace shadowwalk
