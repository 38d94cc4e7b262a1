#include "harness/attach/tools/tool_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "harness/machine/error.hpp"
#include "harness/trace/tool.hpp"

namespace shadowwalk::tools {
namespace {

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

struct ToolProcess::Handlers {
  struct sigaction interrupt {};
};

ToolProcess::ToolProcess(const std::vector<std::string>& words) : before_(std::make_unique<Handlers>()) {
  const std::string program = trace::require_program(words[0], "attach", words[0] == "perf" ? "linux-perf" : words[0]);
  std::vector<std::string> copies = words;
  std::vector<char*> argv;
  for (std::string& word : copies) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t self = getpid();
  std::fflush(nullptr);
  child_ = fork();
  if (child_ < 0) throw InputError(fmt::format("cannot start {}: {}", program, std::strerror(errno)));
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGINT);
    if (getppid() != self) _exit(1);
    signal(SIGINT, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &before_->interrupt);
}

ToolProcess::~ToolProcess() {
  end();
  sigaction(SIGINT, &before_->interrupt, nullptr);
}

std::optional<int> ToolProcess::ended() {
  int status = 0;
  if (!code_ && waitpid(child_, &status, WNOHANG) == child_) code_ = code_of(status);
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
