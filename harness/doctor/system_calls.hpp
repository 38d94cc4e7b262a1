#pragma once

#include <functional>
#include <string>
#include <vector>

/// What a seccomp filter (a container's, a service's) leaves of the system calls that the lab makes. Whatever it may
/// forbid is tried in a child process first, since a filter may kill the process that makes a call.
namespace shadowwalk::doctor {

/// A system call that is denied here.
struct DeniedCall {
  std::string name;
  std::string how;          ///< the error, or that it kills the process
  std::string consequence;  ///< for measurements
};

/// The denied ones of those that the lab makes and that container profiles are known to deny. Each is called with
/// arguments that do nothing, and that the kernel itself refuses by another error.
std::vector<DeniedCall> find_denied_calls();

/// Runs `observe` in a child process, without its output. Empty if it returned, or if there can be no child, otherwise
/// how the child ended, e.g. "a seccomp filter kills the process". Call it before threads start.
std::string why_not_survived(const std::function<void()>& observe);

}  // namespace shadowwalk::doctor
