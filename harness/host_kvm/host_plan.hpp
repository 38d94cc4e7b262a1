#pragma once

#include <string>
#include <vector>

#include "harness/host_kvm/touch_vm.hpp"
#include "harness/lab/cell_config.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::host_kvm {

/// How a cell's workload is carried out by the host's own kernel.
struct HostPlan {
  std::string workload_summary;
  std::vector<HostAction> actions;  ///< of the beats; empty: there are none
  unsigned long quota = 0;          ///< shadow pages that the guest may have from the start; 0: KVM's own choice
  unsigned vcpus_per_cpu = 1;
  TouchConfig touch;
};

/// The shadow pages that KVM_SET_NR_MMU_PAGES leaves a guest at least (KVM_MIN_ALLOC_MMU_PAGES).
inline constexpr unsigned long kLeastQuota = 64;

/// The plan of a cell. Throws InputError, in one line, for what means nothing to the kernel's MMU, what it has no
/// system call for, and what does not fit this host.
HostPlan plan_for(const CellConfig& config);

/// Whether the kernel zaps by its quota for this action: it takes no order to zap one page, or so many.
bool is_recycling(const HostAction& action);
/// Whether the beats of a plan, if any, do nothing else.
bool recycles_alone(const HostPlan& plan);

/// Which first touches the guest can tell after beats of these actions.
Coverage coverage_of(const HostPlan& plan);

/// What the system calls of a plan are, in words; "none" where there are none.
std::string describe(const HostPlan& plan);

}  // namespace shadowwalk::host_kvm
