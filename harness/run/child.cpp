#include "harness/run/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "harness/machine/error.hpp"
#include "harness/os/deadline.hpp"
#include "harness/os/death_watch.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::run {
namespace {

using Clock = os::Deadline::Clock;

constexpr std::size_t kMaxOutput = 64 << 10;

/// Reads what the pipe holds and keeps the tail; false at end of file. Bounded: a child that floods the pipe must not
/// delay the watchdog.
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

int milliseconds_until(Clock::time_point time) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

/// A child that leads a process group, and a descriptor that is readable once the child has ended. A thread waits for
/// it, since many containers, and kernels before 5.3, have no pidfd_open().
class WatchedChild {
 public:
  explicit WatchedChild(pid_t child) : child_(child), ended_(eventfd(0, EFD_CLOEXEC)) {
    try {
      if (!ended_.is_open()) throw std::system_error{errno, std::generic_category(), "eventfd"};
      thread_ = std::thread([child, ended = ended_.get()] {
        siginfo_t how;
        while (waitid(P_PID, static_cast<id_t>(child), &how, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
        }
        eventfd_write(ended, 1);
      });
    } catch (const std::system_error&) {
      kill_and_reap();
      throw;
    }
  }
  ~WatchedChild() {
    if (thread_.joinable()) kill_and_reap();
  }
  WatchedChild(const WatchedChild&) = delete;
  WatchedChild& operator=(const WatchedChild&) = delete;

  int ended() const { return ended_.get(); }

  /// Kills what is left of the group, and returns how the child ended.
  int kill_and_reap() {
    // Not reaped yet, so the group's number cannot belong to anyone else. On a normal end this catches grandchildren.
    kill(-child_, SIGKILL);
    if (thread_.joinable()) thread_.join();
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

 private:
  const pid_t child_;
  const os::FileDescriptor ended_;
  std::thread thread_;
};

/// Collects output until the wait ends; returns why it ended.
ChildEnd watch(int ended, int pipe, int stop_fd, os::Deadline deadline, std::string& output) {
  pollfd events[] = {{ended, POLLIN, 0}, {stop_fd, POLLIN, 0}, {pipe, POLLIN, 0}};
  while (true) {
    if (poll(events, std::size(events), milliseconds_until(deadline.next_look())) < 0 && errno != EINTR) {
      throw std::system_error{errno, std::generic_category(), "poll"};
    }
    if (events[2].revents != 0 && !drain(pipe, output)) events[2].fd = -1;
    if (events[0].revents != 0) return ChildEnd::kExited;
    if (events[1].revents != 0) return ChildEnd::kInterrupted;
    if (deadline.passed()) return ChildEnd::kTimedOut;
  }
}

}  // namespace

ChildResult run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::chrono::nanoseconds limit, int stop_fd) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe2"};
  const os::FileDescriptor reader{ends[0]};
  os::FileDescriptor writer{ends[1]};
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  const os::FileDescriptor null{open("/dev/null", O_RDONLY | O_CLOEXEC)};

  const auto start = Clock::now();
  ChildResult result;
  pid_t child = -1;
  try {
    child = os::start_program(
        program, arguments,
        {.in = null.get(), .out = writer.get(), .error = writer.get(), .own_group = true, .death_signal = SIGKILL});
  } catch (const InputError& error) {
    result.exit_code = 127;  // as a shell reports a program that cannot be executed
    result.last_line = error.what();
    return result;
  }
  writer.reset();

  const os::DeathWatch death_watch(child, SIGKILL);  // where this program has file capabilities
  WatchedChild watched(child);
  std::string output;
  result.end = watch(watched.ended(), reader.get(), stop_fd, os::Deadline(limit), output);
  const int status = watched.kill_and_reap();
  result.elapsed = Clock::now() - start;
  drain(reader.get(), output);
  result.last_line = os::last_line(output);
  result.output = std::move(output);
  if (result.end == ChildEnd::kExited && WIFSIGNALED(status)) {
    result.end = ChildEnd::kSignalled;
    result.signal = WTERMSIG(status);
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

}  // namespace shadowwalk::run
