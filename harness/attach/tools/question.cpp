#include "harness/attach/tools/question.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <thread>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/live/process.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::tools {
namespace {

struct WhatRow {
  What value;
  std::string_view name;
  bool is_for_perf;
};
constexpr WhatRow kWhats[] = {
    {What::cpu, "cpu", true},      {What::zaps, "zaps", false},   {What::frees, "frees", false},
    {What::locks, "locks", false}, {What::exits, "exits", false}, {What::sched, "sched", true},
    {What::c2c, "c2c", true},      {What::kvm, "kvm", true},
};

struct RoleRow {
  Role value;
  std::string_view name;
  std::string_view thread;
};
constexpr RoleRow kRoles[] = {
    {Role::walker, "walker", "vcpu"},
    {Role::zapper, "zapper", "zapper"},
    {Role::reclaimer, "reclaimer", "reclaim"},
};

/// The tables are in the order of their values.
constexpr const WhatRow& row_of(What what) { return kWhats[static_cast<std::size_t>(what)]; }
constexpr const RoleRow& row_of(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

template <class Table>
auto value_in(const Table& table, const std::string& word, std::string_view option) {
  std::vector<std::string> names;
  for (const auto& row : table) {
    if (row.name == word) return row.value;
    names.emplace_back(row.name);
  }
  throw InputError(fmt::format("attach: unknown {} '{}'{} there are: {}", option, word, suggestion(word, names),
                               fmt::join(names, ", ")));
}

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

/// Throws if the kernel would refuse perf and bpftrace, by the same check (ptrace's access mode).
void require_access(pid_t pid) {
  char path[PATH_MAX];
  if (readlink(fmt::format("/proc/{}/exe", pid).c_str(), path, sizeof path) >= 0) return;
  if (errno != EACCES && errno != EPERM) {
    throw InputError(fmt::format("attach: process {} is gone: {}", pid, std::strerror(errno)));
  }
  throw InputError(
      fmt::format("attach: this user may not inspect process {} (ptrace access): attach as the user who started it, "
                  "or as root",
                  pid));
}

}  // namespace

std::string_view name_of(What what) { return row_of(what).name; }
std::string_view name_of(Role role) { return row_of(role).name; }
What parse_what(const std::string& word) { return value_in(kWhats, word, "--what"); }
Role parse_role(const std::string& word) { return value_in(kRoles, word, "--role"); }
std::string_view thread_role(Role role) { return row_of(role).thread; }
bool is_for_perf(What what) { return row_of(what).is_for_perf; }

Target find_target(const std::string& wanted, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  LiveRun run = live::choose_run("attach", live::live_runs(), wanted);
  while (run.cell_process.pid == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookForTargetAgain);
    run = live::choose_run("attach", live::live_runs(), run.id);
  }
  if (run.cell_process.pid == 0) {
    throw InputError(fmt::format("attach: run {} has no cell under way; try again, or see `shadowwalk ps`", run.id));
  }
  Target target = target_of(run.cell_process, run.id);
  target.variant = run.cell->variant;
  return target;
}

Target target_of(const live::Process& process, const std::string& run) {
  const std::optional<live::HeldProcess> held = live::HeldProcess::hold(process);
  if (!held) throw InputError(fmt::format("attach: process {} is gone", process.pid));
  require_access(process.pid);
  Target target{.run = run,
                .process = process,
                .variant = {},
                .threads = live::threads_by_role(process.pid),
                .has_kvm_vcpus = has_kvm_vcpus(process.pid)};
  if (!held->is_running()) throw InputError(fmt::format("attach: process {} is gone", process.pid));
  return target;
}

}  // namespace shadowwalk::tools
