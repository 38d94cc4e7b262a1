#pragma once

#include <map>
#include <string>

namespace shadowwalk::host_kvm {

/// The parameters of KVM's modules that decide which of its MMUs maps a guest and how: {"kvm.tdp_mmu": "N", ...}. Only
/// those that this kernel has. `modules`: a directory as /sys/module.
std::map<std::string, std::string> kvm_modules(const std::string& modules = "/sys/module");

/// Why a page quota does nothing on this host; empty: the kernel keeps to it.
std::string quota_ignored_reason(const std::string& modules = "/sys/module");

}  // namespace shadowwalk::host_kvm
