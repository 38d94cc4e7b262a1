#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/os/file_descriptor.hpp"

/// All functions that look into /proc throw InputError if there is no free file descriptor to do it with.
namespace shadowwalk::live {

/// Identifies one process, even if its number is reused later: the number, and the start time in the kernel's ticks
/// since boot.
struct Process {
  pid_t pid = 0;
  std::uint64_t start = 0;
  friend auto operator<=>(const Process&, const Process&) = default;
};

/// Its start time is 0 if it cannot be read.
Process this_process();
/// The process with this number now; nothing if there is none, or it is a zombie.
std::optional<Process> process_of(pid_t pid);

/// One process, held on to while this process reads /proc about it, or waits for it. What was read under its number is
/// its own if is_running() is still true after the reading: a number is not given out again while its process runs.
class HeldProcess {
 public:
  /// Nothing if that process is gone or a zombie, or if its number is another's by now. Numbers and times of any origin
  /// may be given.
  static std::optional<HeldProcess> hold(const Process& process);

  const Process& process() const { return process_; }
  bool is_running() const;

 private:
  HeldProcess(const Process& process, os::FileDescriptor pidfd) : process_(process), pidfd_(std::move(pidfd)) {}

  Process process_;
  os::FileDescriptor pidfd_;  ///< not open where pidfd_open() is denied: then the start time alone tells
};

/// Whether HeldProcess::hold() has it.
bool is_running(const Process& process);

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
