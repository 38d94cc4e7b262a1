#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/os/host_files.hpp"

/// What control groups, version 2 or 1, leave to this process. Its own group and each above it may set limits. All read
/// some files of /proc and /sys at each call, and are thread-safe.
namespace shadowwalk {

/// A limit on CPU time, and the file that holds it.
struct CpuQuota {
  double cpus;
  std::string file;
  std::string unlimited;  ///< the file's content for no limit
};
/// The tightest limit; empty if there is none.
std::optional<CpuQuota> cpu_quota(const os::HostFiles& files);

/// A limit on memory, and the file that holds it. Beyond memory.max (memory.limit_in_bytes) the kernel kills, beyond
/// memory.high it stops the process over and over.
struct MemoryLimit {
  std::uint64_t bytes;
  std::uint64_t used_bytes;  ///< by the whole group, without page cache that the kernel drops when memory is short
  std::string file;
  std::string unlimited;  ///< the file's content for no limit

  std::uint64_t left_bytes() const { return bytes - std::min(bytes, used_bytes); }
};
/// The limit that leaves least; empty if there is none.
std::optional<MemoryLimit> memory_limit(const os::HostFiles& files);

}  // namespace shadowwalk
