#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/attach/live/process.hpp"

namespace shadowwalk::tools {

/// What the user wants to know about a run.
enum class What {
  cpu,    ///< where its threads spend their time
  zaps,   ///< how long zaps take, and what they unlink
  frees,  ///< how long unlinked pages wait until they are freed
  locks,  ///< how long mmu_lock is held and waited for
  exits,  ///< how often vCPUs leave the guest, and for how many accesses
  sched,  ///< when its threads are on a CPU, and which threads run in their place
  c2c,    ///< which cache lines move between CPUs
  kvm     ///< what the host's KVM does for the guest
};

/// The threads of one role, by the lab's names.
enum class Role { walker, zapper, reclaimer };

std::string_view name_of(What what);
std::string_view name_of(Role role);
/// Throws an InputError that lists the valid names.
What parse_what(const std::string& word);
Role parse_role(const std::string& word);

/// The role's name in live::threads_by_role().
std::string_view thread_role(Role role);

/// True: perf answers it; false: bpftrace does.
bool is_for_perf(What what);

struct Question {
  What what = What::cpu;
  std::optional<Role> role;            ///< nothing: walkers, zappers and reclaimers
  std::chrono::nanoseconds time{0};    ///< how long the tool stays attached
  std::filesystem::path directory;     ///< of recordings; empty: the working directory, and bpftrace's output is shown
  std::optional<std::string> control;  ///< perf's option --control; the cell switches it on and off, not the time
  bool only_print = false;             ///< print the command for another user, e.g. root, to run
};

/// The process that measures.
struct Target {
  std::string run;  ///< id
  live::Process process;
  std::string variant;
  std::map<std::string, std::vector<pid_t>> threads;  ///< by live::threads_by_role()
  bool has_kvm_vcpus = false;                         ///< its guest runs under KVM
};

/// The process that measures for the run now. Between two cells it waits for the next one, for at most `patience`.
/// Throws InputError if there is none, or if this user may not inspect it.
Target find_target(const std::string& wanted, std::chrono::milliseconds patience = std::chrono::seconds(5));

/// The same for one process, which belongs to the run with this id.
Target target_of(const live::Process& process, const std::string& run);

}  // namespace shadowwalk::tools
