#include "harness/attach/live/perf_control.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "harness/attach/live/runtime_files.hpp"

namespace shadowwalk::live {
namespace {

/// write() to a fifo that nobody reads any more: EPIPE, and no SIGPIPE, which would end the cell.
ssize_t write_quietly(int fd, std::string_view text) {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t written = write(fd, text.data(), text.size());
  if (written < 0 && errno == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec no_time{};
    sigtimedwait(&pipe, nullptr, &no_time);
    errno = EPIPE;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return written;
}

int ms_until(PerfControl::Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - PerfControl::Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

std::optional<PerfControl> PerfControl::open(const RuntimeDirectory& directory, const Process& starter,
                                             Clock::time_point until) {
  constexpr timespec kRetry{0, 1'000'000};
  while (process_of(starter.pid) == starter && Clock::now() < until) {
    const int control = directory.open_fifo(file_name(starter, kControlKind), O_WRONLY);
    if (control >= 0) {
      const int ack = directory.open_fifo(file_name(starter, kAckKind), O_RDONLY);
      if (ack >= 0) return PerfControl(control, ack);
      close(control);
      return std::nullopt;
    }
    if (errno != ENXIO) return std::nullopt;  // ENXIO: nobody reads it yet
    nanosleep(&kRetry, nullptr);
  }
  return std::nullopt;
}

PerfControl::PerfControl(PerfControl&& other) noexcept
    : control_(std::exchange(other.control_, -1)), ack_(std::exchange(other.ack_, -1)) {}

PerfControl::~PerfControl() {
  if (control_ >= 0) close(control_);
  if (ack_ >= 0) close(ack_);
}

bool PerfControl::command(std::string_view word, Clock::time_point until) {
  const std::string line = fmt::format("{}\n", word);
  if (write_quietly(control_, line) != static_cast<ssize_t>(line.size())) return false;
  while (true) {
    pollfd event{ack_, POLLIN, 0};
    const int ready = poll(&event, 1, ms_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char answer[64];
    const ssize_t count = read(ack_, answer, sizeof answer);  // "ack\n", and a zero
    if (count > 0) return std::string_view(answer, static_cast<std::size_t>(count)).starts_with("ack");
    if (count == 0) {
      // No writer: perf is gone, or has not opened its end yet, which is a matter of microseconds; poll says POLLHUP.
      if ((event.revents & POLLHUP) != 0) return false;
      continue;
    }
    if (errno != EINTR && errno != EAGAIN) return false;
  }
}

}  // namespace shadowwalk::live
