#include "harness/os/interrupt.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace shadowwalk::os {

Interrupt::Interrupt() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&watched, signal);
  }
  sigprocmask(SIG_BLOCK, &watched, &previous_);
  fd_ = FileDescriptor{signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd_.is_open()) {
    sigprocmask(SIG_SETMASK, &previous_, nullptr);
    throw std::system_error{errno, std::generic_category(), "signalfd"};
  }
}

Interrupt::~Interrupt() {
  caught();  // what was caught must not kill the process now
  sigprocmask(SIG_SETMASK, &previous_, nullptr);
}

std::optional<int> Interrupt::caught() {
  signalfd_siginfo info;
  while (read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (!caught_) caught_ = static_cast<int>(info.ssi_signo);
  }
  return caught_;
}

IgnoredInterrupt::IgnoredInterrupt() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &previous_);
}

IgnoredInterrupt::~IgnoredInterrupt() { sigaction(SIGINT, &previous_, nullptr); }

}  // namespace shadowwalk::os
