#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::live {

/// Identifies one process, even if its number is reused later: the number, and the start time in the kernel's ticks
/// since boot.
struct Process {
  pid_t pid = 0;
  std::uint64_t start = 0;
  friend auto operator<=>(const Process&, const Process&) = default;
};

Process this_process();
/// The process with this number now; nothing if there is none, or it is a zombie.
std::optional<Process> process_of(pid_t pid);
/// The parent's number; 0 if the process is gone.
pid_t parent_of(pid_t pid);

/// This process's pid namespace: containers may share a directory without sharing process numbers. 0 if the kernel does
/// not report it.
std::uint64_t pid_namespace();

/// `PID-START-NAMESPACE`, and its inverse: nothing if the text is malformed or names another namespace than ours.
std::string to_string(const Process& process);
std::optional<Process> parse_process(std::string_view text);

/// The thread ids of a process by role. Threads named `vcpu-N`, `zapper-N` and `reclaim-N`, as the lab names those of a
/// cell, have the roles vcpu, zapper and reclaim, each in the order of N; the process's first thread has the role main,
/// all others the role other. Empty if the process is gone, or this user may not inspect it.
std::map<std::string, std::vector<pid_t>> threads_by_role(pid_t pid);

}  // namespace shadowwalk::live
