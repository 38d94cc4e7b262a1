// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "harness/machine/vcpu.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// irq-ipi: interrupts off, vcpu->mode = READING_SHADOW_PAGE_TABLES; the freer's TLB-flush IPI waits for the walker.
/// This is Linux 3.5's scheme with today's barriers (walk_shadow_page_lockless_begin/end in arch/x86/kvm/mmu/mmu.c).
///
/// begin: close the gate; (1) mode = READING by xchg, store and full barrier in one.
/// end:   (2) mode = OUTSIDE by a release store; open the gate, which serves a pending IPI.
/// commit: (3) full barrier after the unlink; (4) flush_remote_tlbs() interrupts every vCPU whose mode is not OUTSIDE
///         and waits for all; free at once.
///
/// (1) and (3) are store buffering: "mode = READING; barrier; read SPTE" against "clear SPTE; barrier; read mode".
///     Without either barrier the walker may see the old SPTE while the freer sees the old mode.
/// (2) pairs with the acquire cmpxchg of the mode in make_all_cpus_request(): a freer that sees OUTSIDE comes after
///     all reads of the section. A vCPU that enters READING after the check (4) sees the unlink, by (1) and (3).
/// A walker that is interrupted acknowledges only once its gate opens, after (2).
/// Source: Linux c142786c6291 (2012); kvm_make_all_cpus_request() waits since 7a97cec26b94 (2017).
template <class Machine>
class IrqIpi {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{
      .name = "irq-ipi",
      .family = Family::kernel,
      .summary = "interrupts off and a mode word; the freer's IPI waits (Linux 3.5, today's barriers)",
      .source = "Linux c142786c6291 (2012), barriers as of 6.12",
      .read_side_cost = "xchg and a release store on the vCPU's own line",
      .unreclaimed_bound = "0: freed in commit, after the IPI",
      .most_unreclaimed = all_freed_in_commit,
      .needs = "IPIs that wait"};

  explicit IrqIpi(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(IrqIpi&, typename Machine::Vcpu& vcpu) : vcpu_(vcpu) {}
    void begin() const {
      vcpu_.irq_disable();
      vcpu_.mode.exchange(VcpuMode::reading_shadow_page_tables, std::memory_order_seq_cst);  // (1)
    }
    bool end() const {
      vcpu_.mode.store(VcpuMode::outside_guest, std::memory_order_release);  // (2)
      vcpu_.irq_enable();
      return true;
    }

   private:
    typename Machine::Vcpu& vcpu_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    Machine::full_fence();                     // (3)
    environment_.machine.flush_remote_tlbs();  // (4)
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
