#pragma once

#include <vector>

#include "harness/doctor/finding.hpp"
#include "harness/doctor/host.hpp"

/// What the doctor looks at, a file a section. Each returns its findings in a fixed order and throws nothing: what the
/// host does not tell is a finding, too.
namespace shadowwalk::doctor {

/// The value of `governor` where the kernel sets no frequencies.
inline constexpr const char* kNoCpufreq = "no cpufreq";

std::vector<Finding> examine_machine(const Host& host);  ///< machine, kernel, clock, steal, membarrier, aslr
std::vector<Finding> examine_cpus(const Host& host);     ///< cpus, cpu_quota, isolation, smt, governor, boost
std::vector<Finding> examine_memory(const Host& host);   ///< memory, memory_limit, numa, thp, huge_pages, ...
std::vector<Finding> examine_counting(
    const Host& host);  ///< pmu, rdpmc, perf_event_paranoid, memory_sampling, perf_pmus
std::vector<Finding> examine_tracing(const Host& host);  ///< tracefs, usdt, tools
std::vector<Finding> examine_kvm(const Host& host);      ///< kvm, kvm_kind, kvm_vcpus, kvm_statistics

}  // namespace shadowwalk::doctor
