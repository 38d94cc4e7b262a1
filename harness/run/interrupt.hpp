#pragma once

#include <signal.h>

#include <optional>

#include "harness/run/files.hpp"

namespace shadowwalk::run {

/// While it lives, SIGINT, SIGTERM and SIGHUP do not end the process but make `fd()` readable, so that a run can stop
/// in an orderly way. Signals that were ignored before (nohup) stay ignored. One at a time; main thread only.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  /// Readable once a signal has come.
  int fd() const { return fd_.get(); }

  /// The signal that came, if one did. Remembered: later calls return the first one.
  std::optional<int> caught();

 private:
  sigset_t previous_{};
  FileDescriptor fd_;
  std::optional<int> caught_;
};

}  // namespace shadowwalk::run
