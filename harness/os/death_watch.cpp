#include "harness/os/death_watch.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace shadowwalk::os {
namespace {

/// Closes all descriptors but two, of which one may be -1: what the watcher holds open, others wait for the end of.
void close_all_but(int one, int other) {
  const auto close_between = [](unsigned first, unsigned last) {
    if (first > last) return;
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    const auto most = static_cast<unsigned>(std::max(256L, sysconf(_SC_OPEN_MAX)));
    for (unsigned fd = first; fd <= std::min(last, most); ++fd) close(static_cast<int>(fd));
  };
  const int low = std::min(one, other);
  const int high = std::max(one, other);
  if (low > 0) close_between(0, static_cast<unsigned>(low) - 1);
  if (high > low + 1) close_between(static_cast<unsigned>(low + 1), static_cast<unsigned>(high) - 1);
  close_between(static_cast<unsigned>(high) + 1, ~0u);
}

/// In the forked process: async-signal-safe calls only.
[[noreturn]] void watch(int parent_lives, int pidfd, pid_t child, int signal) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  setsid();
  prctl(PR_SET_NAME, "death-watch");
  close_all_but(parent_lives, pidfd);
  char none;
  while (read(parent_lives, &none, 1) < 0 && errno == EINTR) {
  }
  // By its descriptor no other process can be meant that has the number by now.
  if (pidfd < 0 || (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0 && errno == ENOSYS)) {
    kill(child, signal);
  }
  _exit(0);
}

}  // namespace

DeathWatch::DeathWatch(pid_t child, int signal) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  const FileDescriptor reader(ends[0]);
  alive_ = FileDescriptor(ends[1]);
  const FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  watcher_ = fork();
  if (watcher_ == 0) watch(reader.get(), pidfd.get(), child, signal);
}

DeathWatch::~DeathWatch() {
  if (watcher_ < 0) return;
  kill(watcher_, SIGKILL);
  while (waitpid(watcher_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace shadowwalk::os
