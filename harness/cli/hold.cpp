#include "harness/cli/hold.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <string_view>
#include <system_error>

#include "harness/attach/live/process.hpp"

namespace shadowwalk::cli {
namespace {

constexpr int kLookAgainMs = 250;  // whether the shell has put us into the foreground since

/// In the background a read would stop the process, and the line may be for another.
bool stdin_is_our_terminal() { return isatty(STDIN_FILENO) != 0 && tcgetpgrp(STDIN_FILENO) == getpgrp(); }

void tell_who_is_held() {
  const pid_t pid = getpid();
  fmt::print(stderr, "shadowwalk: held before the first zap: pid {}\n", pid);
  for (const auto& [role, tids] : live::threads_by_role(pid)) {
    fmt::print(stderr, "  {:<8} {}\n", role, fmt::join(tids, " "));
  }
  fmt::print(stderr, "  go on:   {}kill -USR1 {}\n", stdin_is_our_terminal() ? "Enter, or " : "", pid);
}

enum class Read { line, no_line, hung_up };

Read read_terminal() {
  char typed[256];
  const ssize_t count = read(STDIN_FILENO, typed, sizeof typed);
  if (count < 0) return errno == EINTR || errno == EAGAIN ? Read::no_line : Read::hung_up;
  const std::string_view text(typed, static_cast<std::size_t>(count));
  return text.find_first_of("\r\n") == std::string_view::npos ? Read::no_line : Read::line;
}

}  // namespace

Hold::Hold() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal_ = os::FileDescriptor{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signal_.is_open()) throw std::system_error(errno, std::generic_category(), "signalfd");
}

void Hold::wait() {
  tell_who_is_held();
  for (bool hung_up = false;;) {
    const bool listens = !hung_up && stdin_is_our_terminal();
    pollfd events[] = {{signal_.get(), POLLIN, 0}, {listens ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(events, std::size(events), kLookAgainMs) < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    if (events[0].revents != 0) {
      signalfd_siginfo info;
      while (read(signal_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      }
      return;
    }
    if (events[1].revents == 0) continue;
    const Read typed = read_terminal();
    if (typed == Read::line) return;
    hung_up = typed == Read::hung_up || (events[1].revents & (POLLHUP | POLLERR)) != 0;
  }
}

}  // namespace shadowwalk::cli
