#include "harness/attach/tools/question.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/live/process.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::tools {
namespace {

constexpr std::array<std::pair<What, std::string_view>, 8> kWhats = {{{What::cpu, "cpu"},
                                                                      {What::zaps, "zaps"},
                                                                      {What::frees, "frees"},
                                                                      {What::locks, "locks"},
                                                                      {What::exits, "exits"},
                                                                      {What::sched, "sched"},
                                                                      {What::c2c, "c2c"},
                                                                      {What::kvm, "kvm"}}};
constexpr std::array<std::pair<Role, std::string_view>, 3> kRoles = {
    {{Role::walker, "walker"}, {Role::zapper, "zapper"}, {Role::reclaimer, "reclaimer"}}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [candidate, name] : table) {
    if (candidate == value) return name;
  }
  return "";
}

template <class Table>
auto value_in(const Table& table, const std::string& word, std::string_view option) {
  std::vector<std::string> names;
  for (const auto& [value, name] : table) {
    if (name == word) return value;
    names.emplace_back(name);
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

std::string_view name_of(What what) { return name_in(kWhats, what); }
std::string_view name_of(Role role) { return name_in(kRoles, role); }
What parse_what(const std::string& word) { return value_in(kWhats, word, "--what"); }
Role parse_role(const std::string& word) { return value_in(kRoles, word, "--role"); }

std::string_view thread_role(Role role) {
  if (role == Role::walker) return "vcpu";
  return role == Role::zapper ? "zapper" : "reclaim";
}

bool is_for_perf(What what) {
  return what == What::cpu || what == What::sched || what == What::c2c || what == What::kvm;
}

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
