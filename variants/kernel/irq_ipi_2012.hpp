// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/irq_ipi.hpp"

namespace shadowwalk {

/// irq-ipi-2012: the patch to the letter. As irq-ipi, but each walk executes two smp_mb(), which was mfence on x86-64
/// then.
///
/// begin: close the gate; mode = READING; (1) mfence.
/// end:   (2) mfence; mode = OUTSIDE; open the gate.
/// commit is irq-ipi's. (1) is the store-buffering barrier against commit's. (2) keeps the section's reads before the
/// store of OUTSIDE, where a release store would suffice on every machine (x86 keeps loads before stores anyway), as in
/// today's kernel. It is a separate row since the choice of fence decides what the patch's second claim is worth.
/// Source: Linux c142786c6291 (2012), smp_mb() of the same year.
template <class Machine>
class IrqIpi2012 : public IrqIpi<Machine> {
 public:
  using typename IrqIpi<Machine>::Node;
  static constexpr VariantInfo kInfo{
      .name = "irq-ipi-2012",
      .family = Family::kernel,
      .summary = "irq-ipi with the patch's own barriers: two mfence per walk (Linux 3.5 to the letter)",
      .source = "Linux c142786c6291 (2012)",
      .read_side_cost = "two mfence and two stores on the vCPU's own line",
      .unreclaimed_bound = "0: freed in commit, after the IPI",
      .most_unreclaimed = all_freed_in_commit,
      .needs = "IPIs that wait"};

  using IrqIpi<Machine>::IrqIpi;

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(IrqIpi2012&, typename Machine::Vcpu& vcpu) : vcpu_(vcpu) {}
    void begin() const {
      vcpu_.irq_disable();
      vcpu_.mode.store(VcpuMode::reading_shadow_page_tables, std::memory_order_relaxed);
      Machine::mfence();  // (1)
    }
    bool end() const {
      Machine::mfence();  // (2)
      // release instead of the patch's plain store: the same instruction on x86, and an edge that ThreadSanitizer sees.
      vcpu_.mode.store(VcpuMode::outside_guest, std::memory_order_release);
      vcpu_.irq_enable();
      return true;
    }

   private:
    typename Machine::Vcpu& vcpu_;
  };
};

}  // namespace shadowwalk
