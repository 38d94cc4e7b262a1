#include "harness/run/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "harness/run/files.hpp"

namespace shadowwalk::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutput = 64 << 10;
constexpr std::size_t kMaxLine = 400;

/// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const char* program, char* const* arguments, int output, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the runner died before prctl
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (null > STDERR_FILENO) close(null);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(program, arguments);
  const char* error = std::strerror(errno);
  constexpr std::string_view kPrefix = "cannot start the cell: ";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, kPrefix.data(), kPrefix.size());
  written = write(STDERR_FILENO, error, std::strlen(error));
  _exit(127);
}

/// Takes what the pipe holds, keeping the tail; false at end of file. Bounded: a child that floods the pipe must not
/// keep us from looking at the clock.
bool drain(int pipe, std::string& output) {
  char buffer[4096];
  for (int reads = 0; reads < 32; ++reads) {
    const ssize_t count = read(pipe, buffer, sizeof buffer);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    output.append(buffer, static_cast<std::size_t>(count));
    if (output.size() > kMaxOutput) output.erase(0, output.size() - kMaxOutput / 2);
  }
  return true;
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

/// Why the wait ended; output is collected meanwhile.
ChildEnd watch(int pidfd, int pipe, int stop_fd, Clock::time_point deadline, std::string& output) {
  pollfd events[] = {{pidfd, POLLIN, 0}, {stop_fd, POLLIN, 0}, {pipe, POLLIN, 0}};
  while (true) {
    if (poll(events, std::size(events), milliseconds_until(deadline)) < 0 && errno != EINTR) {
      throw std::system_error{errno, std::generic_category(), "poll"};
    }
    if (events[2].revents != 0 && !drain(pipe, output)) events[2].fd = -1;
    if (events[0].revents != 0) return ChildEnd::kExited;
    if (events[1].revents != 0) return ChildEnd::kInterrupted;
    if (Clock::now() >= deadline) return ChildEnd::kTimedOut;
  }
}

}  // namespace

std::string last_line(std::string_view output) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  while (!output.empty() && is_blank(output.back())) output.remove_suffix(1);
  if (const auto newline = output.find_last_of("\r\n"); newline != std::string_view::npos) {
    output.remove_prefix(newline + 1);
  }
  while (!output.empty() && is_blank(output.front())) output.remove_prefix(1);
  std::string line{output.substr(0, kMaxLine)};
  std::replace_if(line.begin(), line.end(), is_blank, ' ');
  return line;
}

ChildResult run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::chrono::nanoseconds limit, int stop_fd) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe2"};
  const FileDescriptor reader{ends[0]};
  FileDescriptor writer{ends[1]};
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);

  const auto start = Clock::now();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error{errno, std::generic_category(), "fork"};
  if (child == 0) become(program.c_str(), argv.data(), writer.get(), parent);
  setpgid(child, child);  // also here: the group must exist before it may have to be killed
  writer.reset();

  // By syscall: glibc 2.36 declares pidfd_open without extern "C".
  const FileDescriptor pidfd{static_cast<int>(syscall(SYS_pidfd_open, child, 0))};
  ChildResult result;
  std::string output;
  if (!pidfd.is_open()) {
    const int error = errno;
    kill(-child, SIGKILL);
    waitpid(child, nullptr, 0);
    throw std::system_error{error, std::generic_category(), "pidfd_open"};
  }
  result.end = watch(pidfd.get(), reader.get(), stop_fd, start + limit, output);

  // Not reaped yet, so the group's number cannot belong to anyone else. On a normal end this catches grandchildren.
  kill(-child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.elapsed = Clock::now() - start;
  drain(reader.get(), output);
  result.last_line = last_line(output);
  if (result.end == ChildEnd::kExited && WIFSIGNALED(status)) {
    result.end = ChildEnd::kSignalled;
    result.signal = WTERMSIG(status);
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

}  // namespace shadowwalk::run
