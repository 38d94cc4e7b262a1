#pragma once

#include <string>
#include <vector>

#include "harness/doctor/host.hpp"

namespace shadowwalk::tools {

/// Why something cannot be done on this host.
struct Lack {
  std::string why;          ///< what is missing, and what repairs it; empty: nothing is missing
  bool root_mends = false;  ///< root can run the same command
};

/// What commands that attach need of a host, as the doctor finds it (harness/doctor/).
struct HostCan {
  Lack perf;                             ///< the program
  Lack bpftrace;                         ///< the program, probes in this build, and root
  Lack sampling;                         ///< perf on other threads of this user
  Lack tracepoints;                      ///< the kernel's tracepoints, on threads of this user
  Lack kvm_tracepoints;                  ///< kvm:*
  Lack memory_sampling;                  ///< sampling of the lines that loads and stores access
  bool cycles = false;                   ///< a PMU counts
  bool kernel_side = false;              ///< samples include the kernel
  bool whole_host = false;               ///< tracepoints of all CPUs
  std::vector<std::string> kvm_systems;  ///< the systems of tracepoints that exist: kvm, kvmmmu
};

HostCan host_can(const doctor::Host& host);

}  // namespace shadowwalk::tools
