#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

/// One child process: started in a group of its own, watched, and never outliving the runner.
namespace shadowwalk::run {

enum class ChildEnd {
  kExited,
  kSignalled,
  kTimedOut,
  kInterrupted,
  kKernelCrashed,  ///< it ran in a virtual machine, whose kernel ended; last_line: the end of its console
  kKernelHung,     ///< the same, but that kernel gave no answer any more
};

struct ChildResult {
  ChildEnd end = ChildEnd::kExited;
  int exit_code = 0;  ///< kExited
  int signal = 0;     ///< kSignalled
  std::string
      last_line;         ///< of its stdout and stderr together, printable, at most 400 bytes; empty: it printed nothing
  std::string output{};  ///< the end of what it printed there, as it is
  std::vector<std::string>
      console{};  ///< kKernelCrashed, kKernelHung: the last lines of that kernel's console, printable
  std::chrono::nanoseconds elapsed{0};
};

/// Runs `program` with `arguments` (argv[0] among them), stdin from /dev/null, output captured (its tail: the buffer is
/// bounded), until it ends, `limit` passes, or `stop_fd` (-1: none) becomes readable; in the two latter cases its group
/// is killed. A time in which this process was stopped, or the machine suspended, does not count against `limit`.
/// Nothing of the group is left on return, and the kernel kills the child if this process dies first.
/// Sleeps while the child runs, so that it takes no CPU from what is being measured. Throws std::system_error when no
/// process can be made. Call it from the main thread only: the kernel ties the child to the thread that forks.
ChildResult run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::chrono::nanoseconds limit, int stop_fd);

}  // namespace shadowwalk::run
