#pragma once

#include <string>
#include <string_view>

#include "harness/os/host_files.hpp"

/// What the processor and the firmware say of themselves.
namespace shadowwalk::host {

/// "AMD EPYC 9R45"; empty: /proc/cpuinfo names no model, as on most arm64 machines.
std::string cpu_model(const os::HostFiles& files);
/// Whether /proc/cpuinfo has the flag.
bool has_cpu_flag(const os::HostFiles& files, std::string_view flag);
/// The signature of the hypervisor below ("KVMKVMKVM"), where CPUID reports one; else empty.
std::string hypervisor_signature();
/// Whether this is a virtual machine, as far as CPU and firmware report it. `signature`: hypervisor_signature().
bool is_virtual_machine(const os::HostFiles& files, std::string_view signature);

}  // namespace shadowwalk::host
