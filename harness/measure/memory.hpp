#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/os/host_files.hpp"

/// What the kernel reports about memory. All in bytes; thread-safe. To be called before and after a window: each call
/// reads a file of /proc.
namespace shadowwalk {

/// Resident memory of this process, including the lab's own. The kernel counts it per CPU or thread and adds up late,
/// so that some hundred KiB may be missing. 0 if /proc does not say.
std::uint64_t rss_bytes();

/// SecPageTables of /proc/meminfo: page tables of KVM (and of IOMMUs) on the whole host. Empty before Linux 6.1.
std::optional<std::uint64_t> sec_page_tables_bytes();

/// What can be allocated without swapping: MemAvailable of /proc/meminfo, or what the control groups' limits leave if
/// that is less (cgroup.hpp). 0 if neither is known.
std::uint64_t available_memory_bytes(const os::HostFiles& files = os::HostFiles());

/// The value of a line of /proc/meminfo, such as "MemAvailable", or of another file with such lines; `text` is the
/// file. Empty if there is no such line, or its value is not a size.
std::optional<std::uint64_t> meminfo_bytes(std::string_view text, std::string_view key);

}  // namespace shadowwalk
