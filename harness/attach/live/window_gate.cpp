#include "harness/attach/live/window_gate.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk::live {
namespace {

using nlohmann::json;

constexpr const char* kWindowFormat = "shadowwalk-window-1";

/// write() to a fifo that has lost its reader: EPIPE, and no SIGPIPE, which would end the cell.
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

std::string to_text(const WatchedWindow& window) {
  const json object = {{"format", kWindowFormat}, {"enable_ns", window.enable_ns},     {"begin_ns", window.begin_ns},
                       {"end_ns", window.end_ns}, {"disabled_ns", window.disabled_ns}, {"failure", window.failure}};
  return object.dump(1, ' ', false, json::error_handler_t::replace);
}

std::optional<WatchedWindow> watched_window_from_text(const std::string& text) {
  try {
    const json document = parse_json(text);
    const JsonValue object(document);
    if (object.at("format").raw_text() != kWindowFormat) return std::nullopt;
    const auto time = [&](const char* key) { return object.at(key).number<std::uint64_t>(); };
    return WatchedWindow{.enable_ns = time("enable_ns"),
                         .begin_ns = time("begin_ns"),
                         .end_ns = time("end_ns"),
                         .disabled_ns = time("disabled_ns"),
                         .failure = os::printable(object.at("failure").raw_text())};
  } catch (const InputError&) {
    return std::nullopt;
  }
}

WindowRequest::WindowRequest(const Process& run)
    : self_(this_process()), run_(run), directory_(RuntimeDirectory::make()) {
  if (directory_.path().find(',') != std::string::npos) {
    throw InputError(fmt::format(
        "attach: --next-measure: perf cannot read the name of a fifo with a comma, as in {}; set XDG_RUNTIME_DIR to "
        "another directory of your own",
        directory_.path()));
  }
  directory_.make_fifo(file_name(self_, kControlKind));
  directory_.make_fifo(file_name(self_, kAckKind));
  directory_.replace(file_name(self_, kRequestKind), to_string(run));  // last: the cell that sees it finds the fifos
}

WindowRequest::~WindowRequest() {
  try {
    for (const RuntimeFile& file : directory_.files()) {
      if (file.process == self_ && file.kind != kEntryKind) directory_.remove(file.name);
    }
  } catch (const InputError&) {
    // The next reader of the live runs removes them.
  }
}

std::string WindowRequest::control_option() const {
  const auto path = [&](std::string_view kind) { return directory_.path() + "/" + file_name(self_, kind); };
  return fmt::format("--control=fifo:{},{}", path(kControlKind), path(kAckKind));
}

std::optional<Process> WindowRequest::claimed_by() const {
  for (const RuntimeFile& file : directory_.files()) {
    if (file.process != self_) continue;
    const auto cell = process_behind(file.kind, kClaimKind);
    if (cell && (*cell == run_ || parent_of(cell->pid) == run_.pid)) return cell;
  }
  return std::nullopt;
}

std::optional<WatchedWindow> WindowRequest::done() const {
  const std::optional<std::string> text = directory_.read(file_name(self_, kDoneKind));
  return text ? watched_window_from_text(*text) : std::nullopt;
}

std::optional<PerfControl> PerfControl::open(const RuntimeDirectory& directory, const Process& starter,
                                             Clock::time_point until) {
  constexpr timespec kRetry{0, 1'000'000};
  while (is_running(starter) && Clock::now() < until) {
    os::FileDescriptor control = directory.open_fifo(file_name(starter, kControlKind), O_WRONLY);
    if (control.is_open()) {
      os::FileDescriptor ack = directory.open_fifo(file_name(starter, kAckKind), O_RDONLY);
      if (!ack.is_open()) return std::nullopt;
      return PerfControl(std::move(control), std::move(ack));
    }
    if (errno != ENXIO) return std::nullopt;  // ENXIO: the fifo has no reader yet
    nanosleep(&kRetry, nullptr);
  }
  return std::nullopt;
}

bool PerfControl::command(std::string_view word, Clock::time_point until) {
  const std::string line = fmt::format("{}\n", word);
  return write_quietly(control_.get(), line) == static_cast<ssize_t>(line.size()) && acknowledged(until);
}

bool PerfControl::acknowledged(Clock::time_point until) {
  while (true) {
    pollfd event{ack_.get(), POLLIN, 0};
    const int ready = poll(&event, 1, ms_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char answer[64];
    const ssize_t count = read(ack_.get(), answer, sizeof answer);  // "ack\n", and a zero
    if (count > 0) return std::string_view(answer, static_cast<std::size_t>(count)).starts_with("ack");
    if (count == 0) {
      // No writer: either perf is gone, and poll says POLLHUP, or it opens its end within microseconds.
      if ((event.revents & POLLHUP) != 0) return false;
      continue;
    }
    if (errno != EINTR && errno != EAGAIN) return false;
  }
}

bool WindowGate::claim() noexcept {
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    if (!directory) return !waiting_.empty();
    const std::string self = to_string(this_process());
    const auto parent = process_of(getppid());
    for (const RuntimeFile& file : directory->files()) {
      if (file.kind != kRequestKind || file.is_partial) continue;
      const std::optional<std::string> wanted = directory->read(file.name);
      if (!wanted || (*wanted != self && !(parent && *wanted == to_string(*parent)))) continue;
      if (!is_running(file.process)) continue;
      if (!directory->rename(file.name, file_name(file.process, fmt::format("{}{}", kClaimKind, self)))) continue;
      waiting_.push_back({.starter = file.process, .perf = std::nullopt, .window = {}});
    }
  } catch (const std::exception&) {
    // The directory is refused, so it can hold no request.
  }
  return !waiting_.empty();
}

void WindowGate::let_begin() noexcept {
  const auto until = PerfControl::Clock::now() + patience_;
  for (Waiting& waiting : waiting_) {
    try {
      const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
      std::optional<PerfControl> perf =
          directory ? PerfControl::open(*directory, waiting.starter, until) : std::nullopt;
      waiting.window.enable_ns = now_ns();
      if (perf && perf->command("enable", until)) {
        waiting.perf.emplace(std::move(*perf));
      } else {
        waiting.window.failure =
            perf ? "perf did not answer before the window" : "perf was not there before the window";
      }
    } catch (const std::exception& error) {
      waiting.window.failure = error.what();
    }
  }
}

void WindowGate::set_window(std::uint64_t begin_ns, std::uint64_t end_ns) noexcept {
  for (Waiting& waiting : waiting_) {
    waiting.window.begin_ns = begin_ns;
    waiting.window.end_ns = end_ns;
  }
}

void WindowGate::let_end() noexcept {
  const auto until = PerfControl::Clock::now() + patience_;
  for (Waiting& waiting : waiting_) {
    const bool was_off = waiting.perf && waiting.perf->command("disable", until);
    if (waiting.perf && !was_off) waiting.window.failure = "perf was gone, or did not answer, at the window's end";
    waiting.window.disabled_ns = now_ns();
  }
  try {
    const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
    for (const Waiting& waiting : waiting_) {
      if (!directory || !is_running(waiting.starter)) continue;
      directory->replace(file_name(waiting.starter, kDoneKind), to_text(waiting.window));
    }
  } catch (const std::exception&) {
    // The waiting process sees the cell end.
  }
  waiting_.clear();
}

}  // namespace shadowwalk::live
