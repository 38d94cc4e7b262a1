#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "harness/guest/guest.hpp"
#include "harness/lab/record_modes.hpp"
#include "harness/machine/mmu_lock.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/mmu/walk_checks.hpp"
#include "harness/replay/lane.hpp"
#include "harness/timeline/recorder.hpp"
#include "workloads/guest_knobs.hpp"

namespace shadowwalk {

class CellObserver;

/// When RCU's grace periods begin: at multiples of `time` (0: as soon as there is a callback), or, `of_kernel`, each
/// with one of the running kernel, which it waits for, too.
struct RcuInterval {
  std::chrono::nanoseconds time{0};
  bool of_kernel = false;
  bool is_default() const { return time.count() == 0 && !of_kernel; }
};

/// Where a cell's walkers and zappers run.
enum class MachineKind {
  user,       ///< threads of this process
  kernel,     ///< kernel threads of the running kernel, in shadowwalk.ko (docs/kernel.md)
  kernel_vm,  ///< the same in a kernel that the command boots in a virtual machine
};

/// One cell, as asked for, after defaults (docs/result-format.md, `cell`). The option table (cell_options.hpp) has the
/// ranges; give() checks them.
struct CellConfig {
  std::string name;      ///< of the entry in the result
  std::int64_t id = -1;  ///< in its run's plan; -1 outside of one
  std::string variant;
  std::string workload;
  unsigned vcpus = 1;
  unsigned zappers = 1;
  double zap_rate = 1000;  ///< zaps a second, all zappers together
  unsigned walks_per_exit = 1024;
  WalkMode walk_mode = WalkMode::throughput;
  std::uint64_t think_ns = 0;  ///< that a thread guest's vCPU spins after each burst, outside sections
  MachineKind machine = MachineKind::user;
  std::string kernel;  ///< MachineKind::kernel_vm: a directory or .deb with what it boots; empty: the running kernel's
  GuestKind guest = GuestKind::thread;
  std::string placement = "auto";
  MmuLockKind mmu_lock = MmuLockKind::ticket;
  std::chrono::nanoseconds duration = std::chrono::seconds(2);
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(500);
  std::uint64_t seed = 1;
  RcuInterval rcu_interval;
  bool full_checks = false;
  ReadDelay read_delay;
  ReadDelay first_vcpu_delay;             ///< of vCPU 0 instead, if on: the workload's
  std::uint64_t working_set = 4096;       ///< 4 KiB pages
  std::optional<LocalityKnob> locality;   ///< instead of the workload's own
  std::optional<unsigned> write_percent;  ///< of accesses to RAM, 0..100, instead of the workload's own
  std::optional<replay::Pace> pace;       ///< of a trace's replay; other workloads have none
  Instrumentation instrumentation = Instrumentation::full;
  std::string events;   ///< what to count, as harness/measure/pmu/event_list.hpp reads it; empty: nothing
  std::string command;  ///< the command line that runs this cell again
  timeline::Recorder* timeline = nullptr;  ///< records the cell's threads; null: nothing does
  /// Called by the thread that runs the cell, when all others are there, bound and named: nothing was walked or zapped
  /// yet, and they wait until it returns. Then the warm-up begins.
  std::function<void()> on_ready;
  /// The cell's threads do not come or do not end: why, in words. Called by a thread of its own, and must end the
  /// process, since nothing can end those threads; empty: the cell waits for ever.
  std::function<void(const std::string&)> on_hung;
  LiveCounters* counters = nullptr;  ///< what others can read meanwhile; null: the cell's own; outlives the cell
  CellObserver* observer = nullptr;  ///< null: no tool can attach; outlives the cell
};

/// `off` or `1/1000:50us`.
std::string to_string(const ReadDelay& delay);
const char* to_string(MachineKind kind);
const char* to_string(GuestKind kind);
const char* to_string(MmuLockKind kind);
const char* to_string(WalkMode mode);
const char* to_string(Instrumentation level);

}  // namespace shadowwalk
