#include "harness/cli/live_cell.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/tool_marks.hpp"
#include "harness/os/notice.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk::cli {
namespace {

constexpr int kPollMs = 250;  // then checks whether the shell has moved us to the foreground

/// In the background, a read would stop this process, and the line may be meant for another one.
bool stdin_is_our_terminal() { return isatty(STDIN_FILENO) != 0 && tcgetpgrp(STDIN_FILENO) == getpgrp(); }

void print_held_threads() {
  const pid_t pid = getpid();
  os::notice(fmt::format("held before the first zap: pid {}", pid));
  for (const auto& [role, tids] : live::threads_by_role(pid)) {
    os::notice_line(fmt::format("  {:<8} {}", role, fmt::join(tids, " ")));
  }
  os::notice_line(fmt::format("  go on:   {}kill -USR1 {}", stdin_is_our_terminal() ? "Enter, or " : "", pid));
}

enum class Read { line, no_line, hung_up };

Read read_terminal() {
  char typed[256];
  const ssize_t count = read(STDIN_FILENO, typed, sizeof typed);
  if (count < 0) return errno == EINTR || errno == EAGAIN ? Read::no_line : Read::hung_up;
  const std::string_view text(typed, static_cast<std::size_t>(count));
  return text.find_first_of("\r\n") == std::string_view::npos ? Read::no_line : Read::line;
}

/// `gdb (pid 12)`: the process that traces this one by ptrace; empty: there is none.
std::string tracer() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "TracerPid:\t";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    const std::string pid = line.substr(kKey.size());
    if (pid == "0") return {};
    std::string name;
    std::ifstream comm("/proc/" + pid + "/comm");
    std::getline(comm, name);
    return fmt::format("{} (pid {})", name.empty() ? "a tracer" : name, pid);
  }
  return {};
}

}  // namespace

void warn_unlisted(const std::string& why) {
  os::notice(fmt::format("`shadowwalk ps` will not show this run: {}", why));
}

Hold::Hold() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal_ = os::FileDescriptor{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signal_.is_open()) throw std::system_error(errno, std::generic_category(), "signalfd");
}

void Hold::wait() {
  print_held_threads();
  for (bool hung_up = false;;) {
    const bool listens = !hung_up && stdin_is_our_terminal();
    pollfd events[] = {{signal_.get(), POLLIN, 0}, {listens ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(events, std::size(events), kPollMs) < 0) {
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

LiveCell::LiveCell(const CellConfig& config, bool hold) : config_(config) {
  entry_.began_ns = live::now_ns();
  entry_.cell = live::CellPart{.id = config.id,
                               .name = config.name,
                               .variant = config.variant,
                               .workload = config.workload,
                               .held = false,
                               .counters_fd = counters_.fd(),
                               .schedule = std::nullopt};
  if (hold) hold_.emplace();
}

LiveCell::~LiveCell() {
  if (registration_) live::remove_marks(live::this_process());
}

void LiveCell::on_ready() {
  if (!registration_) {
    const bool run_has_warned = config_.id >= 0;
    registration_.emplace(run_has_warned ? live::Registration::Warn() : warn_unlisted);
  }
  if (hold_) {
    entry_.cell->held = true;
    entry_.cell->schedule.reset();
    registration_->update(entry_);
    hold_->wait();
    entry_.cell->held = false;
  }
  seen_.clear();  // a repetition begins
  note_tools();
  gate_.claim();
  begin_ns_ = live::now_ns();
  const std::uint64_t warmup_end = begin_ns_ + static_cast<std::uint64_t>(config_.warmup.count());
  entry_.cell->schedule = live::Schedule{warmup_end, warmup_end + static_cast<std::uint64_t>(config_.duration.count())};
  registration_->update(entry_);
}

void LiveCell::note_tools() {
  if (const std::string probes = attached_probes(); !probes.empty()) seen_.insert("probes " + probes);
  if (const std::string name = tracer(); !name.empty()) seen_.insert(name);
}

bool LiveCell::await_window() {
  note_tools();
  return gate_.claim();
}

void LiveCell::let_begin() { gate_.let_begin(); }

void LiveCell::set_window(std::uint64_t begin_ns, std::uint64_t end_ns) {
  gate_.set_window(begin_ns, end_ns);
  entry_.cell->schedule = live::Schedule{begin_ns, end_ns};
  registration_->update(entry_);
}

void LiveCell::end_window() {
  gate_.let_end();
  end_ns_ = live::now_ns();
  note_tools();
}

std::string LiveCell::perturbed() {
  std::vector<std::string> all = live::tools_on(live::this_process(), begin_ns_, end_ns_);
  all.insert(all.end(), seen_.begin(), seen_.end());
  return fmt::format("{}", fmt::join(all, "; "));
}

}  // namespace shadowwalk::cli
