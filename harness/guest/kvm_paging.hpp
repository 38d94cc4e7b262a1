#pragma once

#include <string>

#include "harness/os/host_files.hpp"

namespace shadowwalk {

/// How the host's KVM maps guests, by the modules that are loaded and their parameters.
struct KvmPaging {
  enum class Kind { unknown, hardware, shadow };
  Kind kind = Kind::unknown;
  std::string name;       ///< "EPT", "NPT, TDP MMU", "shadow paging (NPT is off)"; empty: unknown
  std::string module;     ///< that provides /dev/kvm; empty: none that is known
  std::string parameter;  ///< of `module`, which decides it; empty: the module alone decides
};

/// Reads some files of /sys at each call. Thread-safe.
KvmPaging kvm_paging(const os::HostFiles& files = os::HostFiles());

}  // namespace shadowwalk
