#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/host.hpp"

namespace shadowwalk::tools {

/// Why something cannot be done on this host.
struct Lack {
  std::string why;          ///< what is missing, and what mends it; empty: nothing is missing
  bool root_mends = false;  ///< the same command does it, run by root
};

/// What commands that attach need of a host, as the doctor found it (harness/doctor/).
struct HostCan {
  Lack perf;                             ///< the program
  Lack bpftrace;                         ///< the program, probes to attach it to, and to be root
  Lack sampling;                         ///< perf on other threads of this user
  Lack tracepoints;                      ///< those of the kernel, on threads of this user
  Lack kvm_tracepoints;                  ///< kvm:*
  Lack memory_sampling;                  ///< which line a load or store went to
  bool cycles = false;                   ///< a PMU counts
  bool kernel_side = false;              ///< samples tell of the kernel, too
  bool whole_host = false;               ///< tracepoints of all CPUs
  std::vector<std::string> kvm_systems;  ///< of tracepoints: kvm, kvmmmu, as far as they are there
};

HostCan host_can(const doctor::Host& host);

}  // namespace shadowwalk::tools
