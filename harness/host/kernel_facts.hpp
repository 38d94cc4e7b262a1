#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/os/host_files.hpp"

namespace shadowwalk::host {

/// Facts that are not known, by their names in results, and why.
using Unavailable = std::map<std::string, std::string>;
/// The reason, in words.
std::string why_unavailable(const Unavailable& unavailable, const std::string& name);

/// What the running kernel says of itself by system calls.
struct KernelAnswers {
  std::string release;                     ///< uname -r
  std::string version;                     ///< uname -v: "#1 SMP PREEMPT_DYNAMIC ..."
  std::uint64_t coarse_resolution_ns = 0;  ///< clock_getres(CLOCK_MONOTONIC_COARSE): one tick
};
KernelAnswers ask_kernel();

/// What decides how long the kernel's grace periods last.
struct KernelFacts {
  std::string release;
  std::optional<unsigned> hz;         ///< timer ticks per second (CONFIG_HZ)
  std::string preemption;             ///< none, voluntary, full, lazy or rt; empty: not known
  std::string preemption_source;      ///< where that is from
  std::optional<bool> rcu_expedited;  ///< synchronize_rcu() sends IPIs instead of waiting; call_rcu() does not
  std::optional<bool> rcu_normal;     ///< overrides rcu_expedited
  std::string nohz_full;              ///< CPUs without a tick while they run one task; empty: none
  bool has_lazy_callbacks = false;    ///< call_rcu() may wait for seconds before it asks for a grace period (RCU_LAZY)
  Unavailable unavailable;

  /// Whether synchronize_rcu() is expedited after all.
  bool is_expedited() const { return rcu_expedited.value_or(false) && !rcu_normal.value_or(false); }
};

/// Asks every source: the kernel's answers, its files and the configuration that it was built with. Throws nothing.
KernelFacts kernel_facts(const os::HostFiles& files, const KernelAnswers& answers);

/// How the kernel is locked down (kernel_lockdown(7)): "integrity" or "confidentiality"; empty: it is not.
std::string lockdown_mode(const os::HostFiles& files);

/// The CPUs of nohz_full=, in the kernel's list format; empty: none.
std::string nohz_full_cpus(const os::HostFiles& files);

}  // namespace shadowwalk::host
