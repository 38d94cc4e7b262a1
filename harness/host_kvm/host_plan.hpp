#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/host_kvm/touch_vm.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::host_kvm {

/// How the host's own kernel carries out a cell's workload.
struct HostPlan {
  std::vector<HostAction> actions;  ///< of the beats; empty: there are none
  unsigned long quota = 0;          ///< shadow pages that the guest may have from the start; 0: KVM's own choice
  TouchConfig touch;
};

/// The shadow pages that KVM_SET_NR_MMU_PAGES leaves a guest at least (KVM_MIN_ALLOC_MMU_PAGES).
inline constexpr unsigned long kLeastQuota = 64;

/// The plan of a cell. Throws InputError, in one line, for what means nothing to the kernel's MMU, what it has no
/// system call for, and what does not fit this host. Called by prepare_cell().
HostPlan plan_for(const PreparedCell& cell);

/// Whether the beats of a plan, if any, do nothing but have the kernel zap by its quota: it takes no order to zap one
/// page, or so many.
bool recycles_alone(const HostPlan& plan);

/// Which first touches the guest can recognize after beats of these actions.
Coverage coverage_of(const HostPlan& plan);

/// What the system calls of a plan are, in words; "none" where there are none.
std::string describe(const HostPlan& plan);

/// The parameters of KVM's modules that decide which of its MMUs maps a guest and how: {"kvm.tdp_mmu": "N", ...}. Only
/// those that this kernel has. `modules`: a directory as /sys/module.
std::map<std::string, std::string> kvm_modules(const std::string& modules = "/sys/module");

/// Why a page quota does nothing on this host; empty: the kernel keeps to it.
std::string quota_ignored_reason(const std::string& modules = "/sys/module");

}  // namespace shadowwalk::host_kvm
