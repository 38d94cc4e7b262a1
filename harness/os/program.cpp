#include "harness/os/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/printable.hpp"

namespace shadowwalk::os {
namespace {

constexpr std::size_t kMaxLine = 370;  // and the mark of what was left out

/// What execve() takes. The texts must outlive it.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Between fork and exec: async-signal-safe calls only. `failure`: receives the errno of a failed exec.
[[noreturn]] void become(const char* path, char* const* arguments, char* const* environment, const ChildSetup& setup,
                         int failure, pid_t parent) {
  if (setup.own_group) setpgid(0, 0);
  if (setup.death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, setup.death_signal);
    if (getppid() != parent) _exit(127);  // the parent died before prctl
  }
  if (setup.in >= 0) dup2(setup.in, STDIN_FILENO);
  if (setup.out >= 0) dup2(setup.out, STDOUT_FILENO);
  if (setup.error >= 0) dup2(setup.error, STDERR_FILENO);
  if (setup.default_signals) {
    signal(SIGINT, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(path, arguments, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &error, sizeof error);
  _exit(127);
}

/// Whether a shell gives no character of the word a meaning. `=` has none only in an option: a first word that contains
/// one is an assignment.
bool is_plain(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%";
  const auto is_plain_here = [&](char c) { return kPlain.find(c) != kPlain.npos || (c == '=' && word.front() == '-'); };
  return !word.empty() && std::ranges::all_of(word, is_plain_here);
}

std::string shell_quoted(std::string_view word) {
  if (is_plain(word)) return std::string(word);
  std::string text = "'";
  for (const char letter : word) {
    if (letter == '\'') {
      text += "'\\''";
    } else {
      text += letter;
    }
  }
  return text + "'";
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

pid_t start_program(const std::string& path, const std::vector<std::string>& arguments, const ChildSetup& setup) {
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> variables = pointers_to(setup.environment.value_or(std::vector<std::string>()));
  char* const* const environment = setup.environment ? variables.data() : environ;
  int ends[2];  // closed by a successful exec
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) become(path.c_str(), argv.data(), environment, setup, writer.get(), parent);
  writer.reset();
  int error = 0;
  const ssize_t count = TEMP_FAILURE_RETRY(read(reader.get(), &error, sizeof error));
  if (count != sizeof error) return child;
  wait_for(child);
  throw InputError(fmt::format("cannot start {}: {}", path, std::strerror(error)));
}

std::string why_not_started(const std::error_code& error) {
  return fmt::format("the host starts no more threads or processes: {}; raise its limits (ulimit -u, pids.max)",
                     error.message());
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int wait_for(pid_t child) {
  int status = 0;
  TEMP_FAILURE_RETRY(waitpid(child, &status, 0));
  return exit_code_of(status);
}

std::string last_line(std::string_view output) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  while (!output.empty() && is_blank(output.back())) output.remove_suffix(1);
  if (const auto newline = output.find_last_of("\r\n"); newline != std::string_view::npos) {
    output.remove_prefix(newline + 1);
  }
  while (!output.empty() && is_blank(output.front())) output.remove_prefix(1);
  return printable(output, kMaxLine);
}

std::string shell_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    line += shell_quoted(argument);
  }
  return line;
}

}  // namespace shadowwalk::os
