// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/rcu_batch_node.hpp"

namespace shadowwalk {

/// rcu-counter: RCU plus one shared reader_counter, so that a freer that finds no reader need not wait for RCU.
/// This is Linux 3.4's scheme (kvm->arch.reader_counter in arch/x86/kvm/mmu.c).
///
/// begin: rcu_read_lock; (1) counter + 1, a full barrier.
/// end:   (2) counter - 1, a full barrier; rcu_read_unlock.
/// commit: (3) full barrier after the unlink; flush_remote_tlbs(); (4) read the counter. Zero: free now. Nonzero: ONE
///         RCU callback frees the whole batch.
///
/// (1) and (3) are store buffering: "counter + 1; barrier; read SPTE" against "clear SPTE; barrier; read counter".
///     (3) is needed always: a flush that finds every vCPU outside the guest interrupts no vCPU and orders nothing.
/// (2) releases the section's reads to (4), which acquires: a freer that reads zero comes after them.
/// Counting inside the RCU section is what makes the nonzero case safe: the grace period waits for the section of every
/// walker that was counted.
/// Source: Linux c2a2ac2b563c (KVM: MMU: lockless walking shadow page table), in 3.4 (2012).
template <class Machine>
class RcuCounter {
 public:
  using Node = RcuBatchNode<Machine>;
  static constexpr VariantInfo kInfo{
      .name = "rcu-counter",
      .family = Family::kernel,
      .summary = "RCU and one shared reader counter; no reader: free at once (Linux 3.4)",
      .source = "Linux c2a2ac2b563c, as in 3.4 (2012)",
      .read_side_cost = "two atomic additions on one line that all vCPUs share",
      .unreclaimed_bound = "none: what is zapped within a grace period",
      .most_unreclaimed = no_unreclaimed_bound,
      .needs = "RCU with a reclaimer thread",
      .needs_membarrier = true};

  explicit RcuCounter(Environment<Machine, Node>& environment)
      : environment_(environment), rcu_(environment.machine.rcu()) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(RcuCounter& scheme, typename Machine::Vcpu&) : scheme_(scheme) {}
    void begin() const {
      Machine::Rcu::read_lock();
      scheme_.reader_counter_.fetch_add(1, std::memory_order_seq_cst);  // (1)
      Machine::full_fence_beside_atomic();
    }
    bool end() const {
      Machine::full_fence_beside_atomic();
      scheme_.reader_counter_.fetch_sub(1, std::memory_order_seq_cst);  // (2)
      Machine::Rcu::read_unlock();
      return true;
    }

   private:
    RcuCounter& scheme_;
  };

  void birth(VariantPage<Node>&) {}

  void commit(PageBatch<Node>&& batch) {
    Machine::full_fence();  // (3)
    environment_.machine.flush_remote_tlbs();
    if (reader_counter_.load(std::memory_order_acquire) == 0) {  // (4)
      environment_.free(std::move(batch));
      return;
    }
    Machine::trace_delay_free_pages(batch.size());
    call_rcu_for_batch<Machine>(rcu_, environment_, std::move(batch));
  }

  void drain() { rcu_.barrier(); }

  template <class Name>
  void name_variables(Name name) {
    name(reader_counter_, "reader_counter");
  }

 private:
  Environment<Machine, Node>& environment_;
  typename Machine::Rcu& rcu_;
  // Alone on its line: the line that all walkers share is the scheme's cost, and nothing else may share it.
  alignas(64) typename Machine::template Atomic<std::uint32_t> reader_counter_{0};
};

}  // namespace shadowwalk
