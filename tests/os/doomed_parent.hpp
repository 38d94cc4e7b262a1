#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::os {

/// A process that runs `action` and then sleeps, until it is killed. What it starts inherits the write end of a pipe:
/// the pipe has ended once all of them have.
class DoomedParent {
 public:
  explicit DoomedParent(const std::function<void()>& action) {
    int ends[2];
    int started[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(pipe(started), 0);
    parent_ = fork();
    if (parent_ == 0) {
      close(ends[0]);
      close(started[0]);
      action();
      if (write(started[1], "x", 1) != 1) _exit(1);
      close(started[1]);
      while (true) pause();
    }
    close(ends[1]);
    close(started[1]);
    family_lives_ = FileDescriptor(ends[0]);
    char mark = 0;
    EXPECT_EQ(read(started[0], &mark, 1), 1) << "the action failed";
    close(started[0]);
  }
  DoomedParent(const DoomedParent&) = delete;
  DoomedParent& operator=(const DoomedParent&) = delete;
  ~DoomedParent() { kill_now(); }

  void kill_now() {
    if (parent_ <= 0) return;
    kill(parent_, SIGKILL);
    waitpid(parent_, nullptr, 0);
    parent_ = 0;
  }

  /// Whether the parent and all that it started end within a time that is only long for what hangs.
  bool whole_family_ends() const {
    constexpr int kLongMs = 60'000;
    pollfd end{family_lives_.get(), POLLIN, 0};
    return poll(&end, 1, kLongMs) == 1;
  }

 private:
  pid_t parent_ = -1;
  FileDescriptor family_lives_;
};

}  // namespace shadowwalk::os
