#include "harness/attach/tools/tool_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

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
  const std::string program = trace::require_program(words[0], "attach", "coreutils");
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
  if (!code_) {
    interrupt();
    wait();
  }
  sigaction(SIGINT, &before_->interrupt, nullptr);
}

std::optional<int> ToolProcess::ended() {
  int status = 0;
  if (!code_ && waitpid(child_, &status, WNOHANG) == child_) code_ = code_of(status);
  return code_;
}

int ToolProcess::wait() {
  int status = 0;
  while (!code_) {
    if (waitpid(child_, &status, 0) == child_) {
      code_ = code_of(status);
    } else if (errno != EINTR) {
      code_ = 127;
    }
  }
  return *code_;
}

void ToolProcess::interrupt() const { kill(child_, SIGINT); }

}  // namespace shadowwalk::tools
