#include "harness/attach/tools/tool_process.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cstdio>
#include <thread>

#include "harness/os/program.hpp"

namespace shadowwalk::tools {
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
  return ended().value_or(128 + SIGKILL);  // not even killed: it hangs in the kernel, and is left to init
}

}  // namespace shadowwalk::tools
