#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/doctor/host.hpp"

namespace shadowwalk::doctor {

/// A limit set by this process's control group or one of its ancestors, and the file that holds it.
struct CpuQuota {
  double cpus;
  std::string file;
  std::string unlimited;  ///< the file's content for no limit
};
struct MemoryLimit {
  std::uint64_t bytes;
  std::uint64_t used_bytes;
  std::string file;
  std::string unlimited;
};

/// The tightest limit, in version 2 or 1 of control groups; empty if there is none.
std::optional<CpuQuota> cpu_quota(const HostFiles& files);
std::optional<MemoryLimit> memory_limit(const HostFiles& files);

}  // namespace shadowwalk::doctor
