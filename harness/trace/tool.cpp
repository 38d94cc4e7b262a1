#include "harness/trace/tool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "harness/machine/error.hpp"

namespace shadowwalk::trace {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// Ours, but for what would change how perf prints.
std::vector<std::string> plain_environment() {
  std::vector<std::string> result = {"LC_ALL=C", "PERF_CONFIG=/dev/null", "PAGER=cat"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("LC_ALL=") && !text.starts_with("PERF_CONFIG=") && !text.starts_with("PAGER=")) {
      result.emplace_back(text);
    }
  }
  return result;
}

/// `out` and `error` become its stdout and stderr; -1: ours. It takes signals as if started from a shell.
pid_t start(std::vector<std::string>& arguments, int out, int error) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (out >= 0) posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (error >= 0) posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGXFSZ);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> environment = plain_environment();
  pid_t child = -1;
  const int failure = posix_spawn(&child, arguments[0].c_str(), &actions, &attributes, pointers(arguments).data(),
                                  pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw InputError(fmt::format("cannot start {}: {}", arguments[0], std::strerror(failure)));
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The last line of the text that is not blank; its control characters become blanks.
std::string last_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' && c != '\n'; }, ' ');
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  text.erase(0, text.rfind('\n') + 1);  // npos + 1 is 0
  text.erase(0, text.find_first_not_of(' '));
  return text.substr(0, 400);
}

/// The file's last bytes.
std::string tail(std::FILE* file) {
  constexpr long kTail = 4096;
  std::fseek(file, 0, SEEK_END);
  std::fseek(file, std::max(0L, std::ftell(file) - kTail), SEEK_SET);
  std::string text(kTail, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) {
      const std::string candidate = fmt::format("{}/{}", rest.substr(0, colon), name);
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    if (colon == rest.size()) return std::nullopt;
    rest.remove_prefix(colon + 1);
  }
}

std::string require_program(const std::string& name, const std::string& what_for, const std::string& package) {
  if (auto path = find_program(name)) return *path;
  throw InputError(fmt::format("{} needs {}, which is not on PATH: install the package {}", what_for, name, package));
}

ToolOutput::ToolOutput(std::vector<std::string> arguments) : name_(arguments[0]), errors_(std::tmpfile()) {
  int ends[2];
  if (!errors_ || pipe2(ends, O_CLOEXEC) != 0) {
    throw InputError(fmt::format("cannot start {}: {}", name_, std::strerror(errno)));
  }
  pipe_ = ends[0];
  try {
    child_ = start(arguments, ends[1], fileno(errors_.get()));
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
}

ToolOutput::~ToolOutput() {
  close(pipe_);
  if (child_ < 0) return;
  kill(child_, SIGKILL);
  wait_for(child_);
}

std::size_t ToolOutput::read(char* into, std::size_t capacity) {
  while (true) {
    const ssize_t count = ::read(pipe_, into, capacity);
    ended_ = count == 0;
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw InputError(fmt::format("{}: {}", name_, std::strerror(errno)));
  }
}

void ToolOutput::finish() {
  const int code = wait_for(child_);
  child_ = -1;
  if (code == 0) return;
  const std::string said = last_line(tail(errors_.get()));
  throw InputError(
      fmt::format("{} failed with exit code {}: {}", name_, code, said.empty() ? "it said nothing" : said));
}

ToolEnd run_tool(std::vector<std::string> arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw InputError(fmt::format("pipe: {}", std::strerror(errno)));
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &before);
  pid_t child = -1;
  try {
    child = start(arguments, -1, ends[1]);
  } catch (...) {
    sigaction(SIGINT, &before, nullptr);
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR);) {
    if (count < 0) continue;
    std::fwrite(buffer, 1, static_cast<std::size_t>(count), stderr);
    said.append(buffer, static_cast<std::size_t>(count));
    if (said.size() > 2 * sizeof buffer) said.erase(0, said.size() - sizeof buffer);
  }
  close(ends[0]);
  const int code = wait_for(child);
  sigaction(SIGINT, &before, nullptr);
  return {code, last_line(said)};
}

}  // namespace shadowwalk::trace
