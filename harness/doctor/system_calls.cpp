#include "harness/doctor/system_calls.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace shadowwalk::doctor {
namespace {

struct UsedCall {
  const char* name;
  /// Makes the call so that it changes nothing. The kernel refuses the arguments, by no error that a filter uses.
  void (*call)();
  const char* consequence;
};

constexpr UsedCall kUsedCalls[] = {
#if defined(SYS_clone3)
    {"clone3",
     [] {
       syscall(SYS_clone3, nullptr, 0);
       if (errno == ENOSYS) errno = 0;  // glibc calls clone() then, but for no other error
     },
     "no thread can start"},
#endif
    {"membarrier", [] { syscall(SYS_membarrier, -1, 0, 0); },
     "schemes with RCU or asymmetric fences are not measured: without it their read side is another one"},
    {"memfd_create", [] { syscall(SYS_memfd_create, nullptr, 0); }, "`shadowwalk top` shows no counts"},
    {"perf_event_open", [] { syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }, "no event is counted"},
    {"sched_setaffinity", [] { syscall(SYS_sched_setaffinity, 0, 0, nullptr); },
     "threads cannot be pinned: give --placement none"},
};

/// In a child: how its `body` ended, as a wait status; nothing if there can be no child.
std::optional<int> wait_status_of(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    try {
      _exit(body());
    } catch (...) {
      _exit(0);  // it can be observed: the parent meets the exception itself
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string name_of_end(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("it ends the process with exit code {}", WEXITSTATUS(status));
  if (WTERMSIG(status) == SIGSYS) return "a seccomp filter kills the process";
  return fmt::format("it ends the process by SIG{}", sigabbrev_np(WTERMSIG(status)));
}

}  // namespace

std::vector<DeniedCall> find_denied_calls() {
  std::vector<DeniedCall> denied;
  for (const UsedCall& used : kUsedCalls) {
    const std::optional<int> status = wait_status_of([&used] {
      errno = 0;
      used.call();
      return errno == EPERM || errno == ENOSYS ? errno : 0;
    });
    if (!status) {
      return {{"fork", std::strerror(errno), "no cell starts; which other calls are denied is not known"}};
    }
    if (!WIFEXITED(*status)) {
      denied.push_back({used.name, name_of_end(*status), used.consequence});
    } else if (const int error = WEXITSTATUS(*status); error != 0) {
      denied.push_back({used.name, std::strerror(error), used.consequence});
    }
  }
  return denied;
}

std::string why_not_survived(const std::function<void()>& observe) {
  const std::optional<int> status = wait_status_of([&observe] {
    observe();
    return 0;
  });
  return !status || (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) ? std::string() : name_of_end(*status);
}

}  // namespace shadowwalk::doctor
