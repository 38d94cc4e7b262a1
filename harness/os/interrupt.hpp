#pragma once

#include <signal.h>

#include <optional>

#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::os {

/// While an object exists, SIGINT, SIGTERM and SIGHUP do not end the process but make `fd()` readable, so that it can
/// stop in order. Signals that were ignored before (nohup) stay ignored. One object at a time; main thread only.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  /// Readable once a signal has arrived.
  int fd() const { return fd_.get(); }

  /// The first signal that arrived; nothing if none did. Later calls return the same one.
  std::optional<int> caught();

 private:
  sigset_t previous_{};
  FileDescriptor fd_;
  std::optional<int> caught_;
};

/// While an object exists, this process ignores SIGINT: Ctrl-C on the terminal is meant for the program that it
/// started.
class IgnoredInterrupt {
 public:
  IgnoredInterrupt();
  IgnoredInterrupt(const IgnoredInterrupt&) = delete;
  IgnoredInterrupt& operator=(const IgnoredInterrupt&) = delete;
  ~IgnoredInterrupt();

 private:
  struct sigaction previous_ {};
};

}  // namespace shadowwalk::os
