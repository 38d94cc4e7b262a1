#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::tools {

/// What is to be known of a run.
enum class What {
  cpu,    ///< where its threads spend their time
  zaps,   ///< how long zaps take, and what they unlink
  frees,  ///< how long unlinked pages wait to be freed
  locks,  ///< how long mmu_lock is held and waited for
  exits,  ///< how often vCPUs leave the guest, and for how many accesses
  sched,  ///< when its threads are on a CPU, and who runs in their stead
  c2c,    ///< which cache lines go between CPUs
  kvm     ///< what the host's KVM does for its guest
};

/// Whose part in it; as the lab names threads.
enum class Role { walker, zapper, reclaimer };

std::string_view name_of(What what);
std::string_view name_of(Role role);
/// Throws InputError that names what there is.
What parse_what(const std::string& word);
Role parse_role(const std::string& word);

/// The role's name in live::threads_by_role().
std::string_view thread_role(Role role);

/// Whether perf answers it, and not bpftrace.
bool is_for_perf(What what);

struct Question {
  What what = What::cpu;
  std::optional<Role> role;            ///< nothing: walkers, zappers and reclaimers
  std::chrono::nanoseconds time{0};    ///< how long to look
  std::filesystem::path directory;     ///< for what is recorded; empty: here, and what bpftrace prints is shown
  std::optional<std::string> control;  ///< perf's option: it is switched on and off by the cell, and not by time
  bool only_print = false;             ///< somebody else runs it, who may be root
};

/// The process that measures.
struct Target {
  std::string run;  ///< id
  pid_t pid = 0;
  std::string variant;
  std::map<std::string, std::vector<pid_t>> threads;  ///< by live::threads_by_role()
  bool has_kvm_vcpus = false;                         ///< its guest runs under KVM
};

}  // namespace shadowwalk::tools
