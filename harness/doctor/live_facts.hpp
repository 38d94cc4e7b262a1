#pragma once

#include <string>
#include <vector>

#include "harness/doctor/system_calls.hpp"
#include "harness/host/host_facts.hpp"

namespace shadowwalk::doctor {

/// Facts that no file contains and only the kernel or the CPU can report. Observed once; tests invent them.
struct LiveFacts {
  struct Pmu {
    std::string unavailable;          ///< why `cycles` cannot be counted; empty: it can
    std::string rdpmc_unavailable;    ///< why counters cannot be read without a system call; empty: they can
    std::string name;                 ///< libpfm4's, e.g. "amd64_fam19h_zen4"; empty: libpfm4 does not know this CPU
    std::string microarchitecture;    ///< "AMD Zen 4" or "unknown"
    int counters = 0;                 ///< general-purpose ones of a hardware thread, by libpfm4's table; 0: unknown
    bool has_contention_set = false;  ///< `--events contention` has rows for this CPU
  } pmu;

  struct Kvm {
    std::string unavailable;    ///< kvm_unavailable_reason()
    int open_error = 0;         ///< errno of opening /dev/kvm; 0: it opened
    std::string group;          ///< the group that may open /dev/kvm; empty: there is none
    int recommended_vcpus = 0;  ///< KVM_CAP_NR_VCPUS; 0: not reported
    int max_vcpus = 0;          ///< KVM_CAP_MAX_VCPUS; 0: not reported
    bool statistics = false;    ///< KVM_CAP_BINARY_STATS_FD
  } kvm;

  /// What cells in a kernel need (harness/kernel finds it out). A reason is one line, with what to do behind a colon.
  struct KernelCells {
    std::string release;              ///< uname -r
    std::string device;               ///< the module that answers, in words; empty: none
    std::string device_unavailable;   ///< why none does
    bool is_loaded = false;           ///< the module is, whether it answers or not
    std::string module_file;          ///< what is built for this kernel and this version; empty: nothing
    std::string build_unavailable;    ///< why it cannot be built; empty: it can
    std::string qemu;                 ///< its path; empty: it is not on PATH
    std::string kvm_unavailable;      ///< why QEMU emulates; empty: it can use KVM
    std::vector<std::string> images;  ///< kernels that --machine kernel-vm can boot, in words
    std::string image_unavailable;    ///< why the running one's image is not among them; empty: it is
  } kernel_cells;

  std::string clock;  ///< CycleClock::describe()
  bool clock_is_tsc = false;
  double clock_read_ns = 0;
  std::string kernel;      ///< release and machine
  std::string hypervisor;  ///< its signature ("KVMKVMKVM"), if the CPU reports it; empty: none, or not reported
  std::vector<unsigned> allowed_cpus;  ///< of this process, ascending
  std::string membarrier_unavailable;  ///< empty: it works
  std::vector<std::string> probes;     ///< USDT probes in this executable, as "shadowwalk:zap"
  std::vector<std::string> tools;      ///< of kTools, those on PATH
  std::vector<DeniedCall> denied_calls;
  bool is_root = false;
};

/// Commands that attach to a run.
inline constexpr const char* kTools[] = {"perf", "bpftrace"};

/// Observes this host. Opens and closes a VM and events; takes some milliseconds. What
/// kills a process here is observed in a child process only, and its facts say so. Call it before threads start.
LiveFacts observe_live_facts();

/// host::observe_host(), where no filter of system calls would kill the process for it.
host::HostFacts observe_host_facts(const std::vector<DeniedCall>& denied_calls);

}  // namespace shadowwalk::doctor
