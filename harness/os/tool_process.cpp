#include "harness/os/tool_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::os {
namespace {

FileDescriptor memory_or_scratch_file() {
  FileDescriptor file(memfd_create("stderr", MFD_CLOEXEC));
  return file.is_open() ? std::move(file) : open_scratch_file();
}

}  // namespace

ToolOutput::ToolOutput() : file_(memory_or_scratch_file()) {}

std::string ToolOutput::last_line() const {
  constexpr off_t kTail = 4096;
  std::string text(kTail, '\0');
  const off_t size = lseek(fd(), 0, SEEK_END);
  const ssize_t count = pread(fd(), text.data(), text.size(), std::max<off_t>(0, size - kTail));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const std::string line = os::last_line(text);
  return line.empty() ? "it printed nothing" : line;
}

pid_t start_tool(const std::string& path, const std::vector<std::string>& words, const ChildSetup& setup) {
  try {
    return start_program(path, words, setup);
  } catch (const std::system_error& error) {
    const bool too_many_files = error.code() == std::errc::too_many_files_open;
    throw InputError(fmt::format(
        "cannot start {}: {}", path,
        too_many_files ? fmt::format("{}; raise the limit (ulimit -n)", error.what()) : why_not_started(error.code())));
  }
}

std::string end_in_words(int exit_code) {
  if (exit_code == 0) return "exit code 0";
  const int signal = exit_code - 128;
  const char* const name = signal > 0 && signal < NSIG ? strsignal(signal) : nullptr;
  return name == nullptr ? fmt::format("failed with exit code {}", exit_code)
                         : fmt::format("was ended by a signal ({})", name);
}

ToolProcess::ToolProcess(const std::string& path, const std::vector<std::string>& words, Setup setup)
    : child_([&] {
        std::fflush(nullptr);  // what we printed comes before what the tool prints
        return start_tool(path, words,
                          {.out = setup.out,
                           .error = errors_.fd(),
                           .default_signals = true,
                           .death_signal = SIGINT,
                           .environment = std::move(setup.environment)});
      }()),
      watch_(child_, SIGINT) {}

ToolProcess::~ToolProcess() { end(); }

std::optional<int> ToolProcess::ended() {
  int status = 0;
  if (!code_ && waitpid(child_, &status, WNOHANG) == child_) code_ = exit_code_of(status);
  return code_;
}

int ToolProcess::wait() {
  if (!code_) code_ = wait_for(child_);
  return *code_;
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

}  // namespace shadowwalk::os
