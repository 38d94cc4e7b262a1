#include "harness/attach/tools/attach.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/live/tool_marks.hpp"
#include "harness/attach/live/window_gate.hpp"
#include "harness/attach/tools/question.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/interrupt.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::tools {
namespace {

constexpr std::chrono::milliseconds kLookAtToolAgain{10};
constexpr int kInterrupted = 128 + 2;  ///< perf's exit code after SIGINT, once it has written everything

/// A running tool that shares our terminal. Meanwhile this process ignores Ctrl-C, so that the tool ends in order. If
/// this process dies, the tool is interrupted, too. One at a time.
class ToolProcess {
 public:
  /// Starts `words[0]` from PATH. Throws InputError if it cannot be started.
  explicit ToolProcess(const std::vector<std::string>& words);
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;
  ~ToolProcess();

  /// Its os::exit_code_of(); nothing while it runs.
  std::optional<int> ended();
  /// Interrupts it, as Ctrl-C would, and waits for it. If it does not end, interrupts it once more, then kills it.
  int end(std::chrono::milliseconds patience = std::chrono::seconds(30));

 private:
  /// False: it still runs.
  bool ends_within(std::chrono::milliseconds time);

  const os::IgnoredInterrupt ignored_;
  pid_t child_ = -1;
  std::optional<int> code_;
};

ToolProcess::ToolProcess(const std::vector<std::string>& words) {
  const std::string program = os::require_program(words[0], "attach", words[0] == "perf" ? "linux-perf" : words[0]);
  std::fflush(nullptr);  // what we printed comes before what the tool prints
  child_ = os::start_program(program, words, {.default_signals = true, .death_signal = SIGINT});
}

ToolProcess::~ToolProcess() { end(); }

std::optional<int> ToolProcess::ended() {
  int status = 0;
  if (!code_ && waitpid(child_, &status, WNOHANG) == child_) code_ = os::exit_code_of(status);
  return code_;
}

bool ToolProcess::ends_within(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds kLookForEndAgain{5};
  for (const auto until = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < until;) {
    if (ended()) return true;
    std::this_thread::sleep_for(kLookForEndAgain);
  }
  return ended().has_value();
}

int ToolProcess::end(std::chrono::milliseconds patience) {
  for (const int signal : {SIGINT, SIGINT, SIGKILL}) {
    if (ended()) break;
    kill(child_, signal);
    ends_within(patience);
  }
  return ended().value_or(128 + SIGKILL);  // even SIGKILL had no effect: it hangs in the kernel
}

void announce(const Command& command) {
  for (const std::string& note : command.notes) fmt::print(stderr, "shadowwalk: {}\n", note);
  fmt::print(stderr, "shadowwalk: {}\n", os::shell_line(command.words));
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

bool finish(const Command& command, int code, const std::string& more) {
  if (code != 0 && code != kInterrupted) {
    fmt::print(stderr, "shadowwalk: {} failed with exit code {}\n", command.words[0], code);
    return false;
  }
  std::error_code error;
  if (command.output.empty() || !std::filesystem::exists(command.output, error)) return true;
  const std::string file = os::shell_line({command.output});
  fmt::print("{}: {} {}{}\n", command.output, command.read_by, file, more.empty() ? "" : " " + more);
  return true;
}

live::Process process_or_throw(pid_t pid) {
  const auto process = live::process_of(pid);
  if (!process) throw InputError(fmt::format("attach: process {} is gone", pid));
  return *process;
}

/// The cell that claims the request, before `run` is over.
pid_t wait_for_claim(const live::WindowRequest& request, const live::Process& run, const std::string& id) {
  while (true) {
    if (const auto cell = request.claimed_by()) return *cell;
    if (live::process_of(run.pid) != run) {
      throw CellError(fmt::format("attach: {} ended before another measured window began", id));
    }
    std::this_thread::sleep_for(kLookAtToolAgain);
  }
}

/// Waits until the cell writes down that its window is over, or the cell or perf is gone.
std::optional<live::WatchedWindow> wait_for_window(const live::WindowRequest& request, ToolProcess& tool,
                                                   const live::Process& cell) {
  while (!tool.ended()) {
    if (auto window = request.done()) return window;
    if (live::process_of(cell.pid) != cell) return request.done();
    std::this_thread::sleep_for(kLookAtToolAgain);
  }
  return std::nullopt;
}

}  // namespace

bool attach_for_a_time(const Question& question, const Target& target, const HostCan& can) {
  const Command command = compose(question, target, can);
  make_directory(question.directory);
  const live::Process cell = process_or_throw(target.pid);
  const live::ToolMark mark(cell, command.mark);
  announce(command);
  ToolProcess tool(command.words);
  const auto until = std::chrono::steady_clock::now() + question.time;
  const auto goes_on = [&] { return std::chrono::steady_clock::now() < until && live::process_of(cell.pid) == cell; };
  while (!tool.ended() && goes_on()) std::this_thread::sleep_for(kLookAtToolAgain);
  return finish(command, tool.end(), "");
}

bool attach_to_next_window(Question question, const std::string& wanted, const HostCan& can) {
  const live::LiveRun run = live::choose_run("attach", live::live_runs(), wanted);
  question.control = "";  // not known yet: compose() refuses impossible questions before the wait begins
  Target any{.run = run.id,
             .pid = run.process.pid,
             .variant = {},
             .threads = {{"vcpu", {1}}, {"zapper", {1}}, {"reclaim", {1}}},
             .has_kvm_vcpus = true};
  compose(question, any, can);
  make_directory(question.directory);

  const live::WindowRequest request(run.process);
  question.control = request.control_option();
  fmt::print(stderr, "shadowwalk: waiting for the next measured window of {}\n", run.id);
  const pid_t pid = wait_for_claim(request, run.process, run.id);
  const live::Process cell = process_or_throw(pid);
  const Command command = compose(question, target_of(pid, run.id), can);
  const live::ToolMark mark(cell, command.mark);
  announce(command);
  ToolProcess tool(command.words);
  const std::optional<live::WatchedWindow> window = wait_for_window(request, tool, cell);
  const int code = tool.end();
  if (window && window->failure.empty()) return finish(command, code, time_option(*window));
  if (!finish(command, code, "")) return false;
  throw CellError(fmt::format("attach: {}", window ? window->failure : "the cell ended before its window was over"));
}

}  // namespace shadowwalk::tools
