#pragma once

#include "variants/kernel/mode_membarrier.hpp"

namespace shadowwalk {

/// irq-ipi-nofence: irq-ipi whose walkers set the mode by a plain store: (1) of irq_ipi.hpp is missing, as it would be
/// with mode-membarrier's walkers and irq-ipi's freers. The store waits in the store buffer while the walk reads, and
/// the flush interrupts nobody. Must be caught.
/// Source: what smp_mb() in walk_shadow_page_lockless_begin() is there for.
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
  using Walker = typename ModeMembarrier<Machine>::Walker;
};

}  // namespace shadowwalk
