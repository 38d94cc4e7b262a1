// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/irq_ipi.hpp"

namespace shadowwalk {

/// irq-ipi-nofence: irq-ipi whose walkers set the mode by a plain store: (1) of irq_ipi.hpp is missing. The store waits
/// in the store buffer while the walk reads, and the flush interrupts no vCPU. Must be caught.
/// Source: the purpose of smp_mb() in walk_shadow_page_lockless_begin().
template <class Machine>
class IrqIpiNoFence : public IrqIpi<Machine> {
 public:
  static constexpr VariantInfo kInfo{.name = "irq-ipi-nofence",
                                     .family = Family::negative,
                                     .summary = "irq-ipi without the barrier after mode = READING: must be caught",
                                     .source = "irq-ipi, one step left out",
                                     .read_side_cost = "plain stores on the vCPU's own lines",
                                     .unreclaimed_bound = "0: freed in commit, after the IPI",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "IPIs that wait",
                                     .safe = false};
  using IrqIpi<Machine>::IrqIpi;

  class Walker : public IrqIpi<Machine>::Walker {
   public:
    Walker(IrqIpiNoFence& scheme, typename Machine::Vcpu& vcpu) : IrqIpi<Machine>::Walker(scheme, vcpu), vcpu_(vcpu) {}
    void begin() const {
      vcpu_.irq_disable();
      vcpu_.mode.store(VcpuMode::reading_shadow_page_tables, std::memory_order_relaxed);
      Machine::compiler_barrier();
    }

   private:
    typename Machine::Vcpu& vcpu_;
  };
};

}  // namespace shadowwalk
