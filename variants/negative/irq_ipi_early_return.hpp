// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>

#include "variants/kernel/irq_ipi.hpp"

namespace shadowwalk {

/// irq-ipi-early-return: irq-ipi whose freer takes a flush that is pending already for done. The request stays pending
/// until the vCPU next enters the guest; its present walk may have begun after the IPI for that request. Must be
/// caught. Source: KVM's kvm_flush_remote_tlbs() before Linux 84261923d3dd.
template <class Machine>
class IrqIpiEarlyReturn : public IrqIpi<Machine> {
 public:
  using typename IrqIpi<Machine>::Node;
  static constexpr VariantInfo kInfo{.name = "irq-ipi-early-return",
                                     .family = Family::negative,
                                     .summary = "irq-ipi that trusts a flush which is pending already: must be caught",
                                     .source = "KVM before Linux 84261923d3dd",
                                     .read_side_cost = "xchg and a release store on the vCPU's own line",
                                     .unreclaimed_bound = "0: freed in commit",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "IPIs that wait",
                                     .safe = false};

  explicit IrqIpiEarlyReturn(Environment<Machine, Node>& environment)
      : IrqIpi<Machine>(environment), environment_(environment) {}

  void commit(PageBatch<Node>&& batch) {
    const auto vcpus = environment_.machine.vcpus();
    const bool pending_already =
        std::all_of(vcpus.begin(), vcpus.end(), [](const auto* vcpu) { return vcpu->has_request(kRequestTlbFlush); });
    if (!pending_already) return IrqIpi<Machine>::commit(std::move(batch));
    environment_.free(std::move(batch));
  }

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
