#include "harness/attach/tools/find_target.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <thread>

#include "harness/attach/live/choose_run.hpp"
#include "harness/attach/live/threads.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::tools {
namespace {

using live::LiveRun;

constexpr std::chrono::milliseconds kLookForTargetAgain{20};

bool has_kvm_vcpus(pid_t pid) {
  std::error_code error;
  for (std::filesystem::directory_iterator file(fmt::format("/proc/{}/fd", pid), error), end; !error && file != end;
       file.increment(error)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(file->path(), gone).string().starts_with("anon_inode:kvm-vcpu")) return true;
  }
  return false;
}

/// What perf and bpftrace would be refused for: the kernel asks the same of them (ptrace's access mode).
void require_access(pid_t pid) {
  char path[PATH_MAX];
  if (readlink(fmt::format("/proc/{}/exe", pid).c_str(), path, sizeof path) >= 0) return;
  if (errno != EACCES && errno != EPERM) {
    throw InputError(fmt::format("attach: process {} is gone: {}", pid, std::strerror(errno)));
  }
  throw InputError(
      fmt::format("attach: this user may not look into process {} (ptrace access): attach as the user who started it, "
                  "or as root",
                  pid));
}

}  // namespace

Target find_target(const std::string& wanted, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  LiveRun run = live::choose_run("attach", live::live_runs(), wanted);
  while (run.cell_pid == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookForTargetAgain);
    run = live::choose_run("attach", live::live_runs(), run.id);
  }
  if (run.cell_pid == 0) {
    throw InputError(fmt::format("attach: run {} has no cell under way; try again, or see `shadowwalk ps`", run.id));
  }
  Target target = target_of(run.cell_pid, run.id);
  target.variant = run.cell->variant;
  return target;
}

Target target_of(pid_t pid, const std::string& run) {
  require_access(pid);
  return {.run = run,
          .pid = pid,
          .variant = {},
          .threads = live::threads_by_role(pid),
          .has_kvm_vcpus = has_kvm_vcpus(pid)};
}

}  // namespace shadowwalk::tools
