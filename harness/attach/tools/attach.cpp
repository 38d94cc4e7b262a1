#include "harness/attach/tools/attach.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/live/tool_marks.hpp"
#include "harness/attach/live/window_gate.hpp"
#include "harness/attach/tools/question.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/notice.hpp"
#include "harness/os/program.hpp"
#include "harness/os/tool_process.hpp"

namespace shadowwalk::tools {
namespace {

constexpr std::chrono::milliseconds kLookAtToolAgain{10};
constexpr std::chrono::seconds kReadyPatience{60};  ///< a tool that has not begun by then never will
constexpr int kInterrupted = 128 + 2;               ///< perf's exit code after SIGINT, once it has written everything

std::string path_of(const Command& command) {
  const std::string& name = command.words[0];
  return os::require_program(name, "attach", name == "perf" ? "linux-perf" : name);
}

void announce(const Command& command) {
  for (const std::string& note : command.notes) os::notice(note);
  os::notice(os::shell_line(command.words));
}

void make_directory(const std::filesystem::path& directory) {
  if (directory.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw InputError(fmt::format("attach: --out: cannot make {}: {}", directory.string(), error.message()));
  }
}

/// `--time` of perf report and perf script: [begin, end) in seconds.
std::string time_option(const live::WatchedWindow& window) {
  const auto seconds = [](std::uint64_t ns) { return fmt::format("{}.{:09}", ns / 1'000'000'000, ns % 1'000'000'000); };
  return fmt::format("--time {},{}", seconds(window.begin_ns), seconds(window.end_ns));
}

/// Says on stderr, in one line, how the tool failed; false.
bool failed(const Command& command, const std::string& how, const os::ToolProcess& tool) {
  os::notice(fmt::format("attach: {} {}: {}", command.words[0], how, tool.last_error()));
  return false;
}

bool finish(const Command& command, os::ToolProcess& tool, const std::string& more) {
  const int code = tool.end();
  if (code != 0 && code != kInterrupted) return failed(command, os::end_in_words(code), tool);
  if (command.output.empty()) return true;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(command.output, error);
  if (error || size == 0) return failed(command, fmt::format("wrote nothing to {}", command.output), tool);
  const std::string file = os::shell_line({command.output});
  fmt::print("{}: {} {}{}\n", command.output, command.read_by, file, more.empty() ? "" : " " + more);
  return true;
}

/// A tool's file, which is removed again if the tool made it and failed: it may be half-written.
class OutputOf {
 public:
  explicit OutputOf(const Command& command) : path_(command.output), before_(identity()) {}
  OutputOf(const OutputOf&) = delete;
  OutputOf& operator=(const OutputOf&) = delete;
  ~OutputOf() {
    if (!is_kept_ && identity() != before_) unlink(path_.c_str());
  }
  bool keep_if(bool done) { return is_kept_ = done; }

 private:
  std::pair<dev_t, ino_t> identity() const {
    struct stat status {};
    return stat(path_.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? std::pair(status.st_dev, status.st_ino)
                                                                        : std::pair<dev_t, ino_t>();
  }

  const std::string path_;
  const std::pair<dev_t, ino_t> before_;
  bool is_kept_ = false;
};

/// The cell that claims the request, before `run` is over.
live::Process wait_for_claim(const live::WindowRequest& request, const live::Process& run, const std::string& id) {
  while (true) {
    if (const auto cell = request.claimed_by()) return *cell;
    if (!live::is_running(run)) {
      throw CellError(fmt::format("attach: {} ended before another measured window began", id));
    }
    std::this_thread::sleep_for(kLookAtToolAgain);
  }
}

/// Waits until the cell writes down that its window is over, or the cell or perf is gone.
std::optional<live::WatchedWindow> wait_for_window(const live::WindowRequest& request, os::ToolProcess& tool,
                                                   const live::HeldProcess& cell) {
  while (!tool.ended()) {
    if (auto window = request.done()) return window;
    if (!cell.is_running()) return request.done();
    std::this_thread::sleep_for(kLookAtToolAgain);
  }
  return std::nullopt;
}

/// Throws InputError if the cell is gone.
live::HeldProcess hold(const live::Process& cell) {
  auto held = live::HeldProcess::hold(cell);
  if (!held) throw InputError(fmt::format("attach: process {} is gone", cell.pid));
  return std::move(*held);
}

enum class Ready { yes, cell_over, tool_ended, never };

/// Calls `is_ready` until it is true, or there is nothing more to wait for.
Ready wait_until(const std::function<bool()>& is_ready, os::ToolProcess& tool, const live::HeldProcess& cell) {
  const auto until = std::chrono::steady_clock::now() + kReadyPatience;
  while (!is_ready()) {
    if (tool.ended()) return Ready::tool_ended;
    if (!cell.is_running()) return Ready::cell_over;
    if (std::chrono::steady_clock::now() > until) return Ready::never;
    std::this_thread::sleep_for(kLookAtToolAgain);
  }
  return Ready::yes;
}

/// Lets the tool, which is ready or not, do its work for the question's time or until the cell is over.
bool work(
    const Question& question, const Command& command, os::ToolProcess& tool, const live::HeldProcess& cell, Ready ready,
    const std::function<void()>& look = [] {}) {
  if (ready == Ready::tool_ended) {
    return failed(command, fmt::format("ended before it was on ({})", os::end_in_words(tool.wait())), tool);
  }
  if (ready != Ready::yes) {
    tool.end();
    return failed(command, ready == Ready::never ? "did not begin" : "was not on before the cell was over", tool);
  }
  const auto until = std::chrono::steady_clock::now() + question.time;
  while (!tool.ended() && std::chrono::steady_clock::now() < until && cell.is_running()) {
    std::this_thread::sleep_for(kLookAtToolAgain);
    look();
  }
  return true;
}

/// The ends of a pipe that a child inherits and of one that it does not.
struct Pipe {
  os::FileDescriptor ours;
  os::FileDescriptor theirs;
};

Pipe make_pipe(bool child_reads) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw InputError(fmt::format("attach: cannot make a pipe: {}", std::strerror(errno)));
  Pipe pipe{os::FileDescriptor(ends[child_reads ? 1 : 0]), os::FileDescriptor(ends[child_reads ? 0 : 1])};
  fcntl(pipe.theirs.get(), F_SETFD, 0);
  return pipe;
}

/// perf is switched on by a pipe, and says by another when it is.
bool run_perf(const Question& question, const Command& shown, const Target& target, const HostCan& can,
              const live::HeldProcess& cell) {
  Pipe control = make_pipe(/*child_reads=*/true);
  Pipe ack = make_pipe(/*child_reads=*/false);
  Question with_control = question;
  with_control.control = fmt::format("--control=fd:{},{}", control.theirs.get(), ack.theirs.get());
  os::ToolProcess tool(path_of(shown), compose(with_control, target, can).words, {});
  control.theirs.reset();
  ack.theirs.reset();
  live::PerfControl perf(std::move(control.ours), std::move(ack.ours));
  bool is_sent = false;
  const auto is_on = [&] {
    const auto until = live::PerfControl::Clock::now() + kLookAtToolAgain;
    return std::exchange(is_sent, true) ? perf.acknowledged(until) : perf.command("enable", until);
  };
  return work(question, shown, tool, cell, wait_until(is_on, tool, cell)) && finish(shown, tool, "");
}

/// bpftrace's stdout: the file of this name or, without a name, a scratch file that is shown as it grows. No pipe: if
/// this process dies, bpftrace still prints what it has counted.
class BpftraceOutput {
 public:
  explicit BpftraceOutput(const std::string& path) : is_shown_(path.empty()) {
    if (is_shown_) return;
    named_ = os::FileDescriptor(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
    if (!named_.is_open()) throw InputError(fmt::format("attach: cannot write {}: {}", path, std::strerror(errno)));
  }
  int fd() const { return is_shown_ ? scratch_.fd() : named_.get(); }

  /// Reads, and shows, what is new.
  void look() {
    char bytes[4096];
    for (ssize_t count = 0; (count = pread(fd(), bytes, sizeof bytes, seen_)) > 0; seen_ += count) {
      const std::string_view text(bytes, static_cast<std::size_t>(count));
      if (is_shown_) fmt::print("{}", text);
      if (is_attached_) continue;
      start_ += text;
      is_attached_ = start_.find(fmt::format("{}\n", kAttached)) != std::string::npos;
    }
    if (is_shown_) std::fflush(stdout);
  }
  bool is_attached() const { return is_attached_; }

 private:
  const bool is_shown_;
  const os::ToolOutput scratch_;
  os::FileDescriptor named_;
  off_t seen_ = 0;
  std::string start_;  ///< until it says that it is attached
  bool is_attached_ = false;
};

/// bpftrace says `attached` when all of its probes are in place: on stdout, since it does not flush what it writes to
/// the file of its option -o, which is its stdout here.
bool run_bpftrace(const Question& question, const Command& shown, const Target& target, const HostCan& can,
                  const live::HeldProcess& cell) {
  Question to_stdout = question;
  to_stdout.directory.clear();
  BpftraceOutput output(shown.output);
  os::ToolProcess tool(path_of(shown), compose(to_stdout, target, can).words, {.out = output.fd()});
  const auto look = [&] { output.look(); };
  const auto is_on = [&] {
    look();
    return output.is_attached();
  };
  const bool worked = work(question, shown, tool, cell, wait_until(is_on, tool, cell), look);
  tool.end();
  look();
  return worked && finish(shown, tool, "");
}

}  // namespace

bool attach_for_a_time(const Question& question, const Target& target, const HostCan& can) {
  const Command command = compose(question, target, can);
  make_directory(question.directory);
  const live::HeldProcess cell = hold(target.process);
  const live::ToolMark mark(target.process, command.mark);
  announce(command);
  const auto run = is_for_perf(question.what) ? run_perf : run_bpftrace;
  OutputOf output(command);
  return output.keep_if(run(question, command, target, can, cell));
}

bool attach_to_next_window(Question question, const std::string& wanted, const HostCan& can) {
  const live::LiveRun run = live::choose_run("attach", live::live_runs(), wanted);
  question.control = "";  // not known yet: compose() refuses impossible questions before the wait begins
  Target any{.run = run.id,
             .process = run.process,
             .variant = {},
             .threads = {{"vcpu", {1}}, {"zapper", {1}}, {"reclaim", {1}}},
             .has_kvm_vcpus = true};
  compose(question, any, can);
  make_directory(question.directory);

  const live::WindowRequest request(run.process);
  question.control = request.control_option();
  os::notice(fmt::format("waiting for the next measured window of {}", run.id));
  const live::HeldProcess cell = hold(wait_for_claim(request, run.process, run.id));
  const Command command = compose(question, target_of(cell.process(), run.id), can);
  const live::ToolMark mark(cell.process(), command.mark);
  announce(command);
  OutputOf output(command);
  os::ToolProcess tool(path_of(command), command.words, {});
  const std::optional<live::WatchedWindow> window = wait_for_window(request, tool, cell);
  if (window && window->failure.empty()) return output.keep_if(finish(command, tool, time_option(*window)));
  if (!output.keep_if(finish(command, tool, ""))) return false;
  throw CellError(fmt::format("attach: {}", window ? window->failure : "the cell ended before its window was over"));
}

}  // namespace shadowwalk::tools
