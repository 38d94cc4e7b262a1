#pragma once

#include <sys/types.h>

#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::os {

/// Sends a child process a signal when this process dies, by any means, while the object exists. ChildSetup's
/// death_signal asks the kernel for the same and costs no process, but the kernel forgets it when the child executes a
/// program that is set-user-ID or has file capabilities (prctl(2), PR_SET_PDEATHSIG), as this program, or perf, may
/// have. Here a process of its own, in a session of its own, waits for the end of a pipe that only this process holds.
/// If it cannot be made (RLIMIT_NPROC), death_signal is all there is. Close it after the child was waited for.
class DeathWatch {
 public:
  DeathWatch(pid_t child, int signal);
  DeathWatch(const DeathWatch&) = delete;
  DeathWatch& operator=(const DeathWatch&) = delete;
  ~DeathWatch();

 private:
  FileDescriptor alive_;
  pid_t watcher_ = -1;
};

}  // namespace shadowwalk::os
