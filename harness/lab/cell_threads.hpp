#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "harness/guest/guest.hpp"
#include "harness/lab/action_schedule.hpp"
#include "harness/lab/cell_driver.hpp"
#include "harness/lab/cell_records.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/thread_disturbance.hpp"
#include "harness/lab/thread_events.hpp"
#include "harness/lab/thread_loops.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/measure/window.hpp"
#include "harness/replay/trace_guest.hpp"

namespace shadowwalk {

/// What the vCPU threads of one of the lab's own cells share beside CellShared.
struct EngineCell {
  NativeMachine& machine;
  Engine& engine;
  bool small_bursts = false;   ///< the guest exits for few accesses, whatever the cell's walks_per_exit
  bool walkers_sleep = false;  ///< the guest halts, or vCPUs share CPUs: time off the CPU is not taken from them
};

/// One vCPU thread: VcpuLoop over a guest.
class VcpuThread : public VcpuLoop<VcpuThread, NativeMachine> {
 public:
  static constexpr bool kLeavesCell = true;
  /// `replay`: the guest again, if it is a trace; null otherwise.
  VcpuThread(CellShared& shared, const EngineCell& cell, unsigned index, GuestVcpu& guest, replay::ReplayVcpu* replay);
  void run(std::optional<unsigned> cpu);

  ThreadEvents events;
  WalkCounts counts;
  std::string first_violation;
  ThreadDisturbance disturbance;
  ZapRecord zaps;  ///< of a replay: what the trace's vCPU did to shadow pages

 private:
  friend VcpuLoop;
  std::span<const Access> enter_guest();
  void walk(EngineVcpu& engine, std::span<const Access> accesses);
  void end_burst(EngineVcpu& engine, std::size_t accesses);
  std::uint64_t idle_us() const { return guest_.idle_us(); }
  void halt(EngineVcpu& engine, std::uint64_t idle_us);
  static void spin() { cpu_relax(); }
  static void between_bursts(EngineVcpu&) {}
  void observe(std::uint64_t now);

  void replay_zap(EngineVcpu& engine);
  void count_exit(std::size_t accesses);
  void publish(const EngineVcpu& engine);

  CellShared& shared_;
  Engine& engine_;
  const unsigned index_;
  GuestVcpu& guest_;
  replay::ReplayVcpu* const replay_;
  LiveCounters::Thread& live_;
  std::uint64_t next_publication_ = 0;                         // ticks
  std::array<std::uint64_t, kExitReasons> exits_by_reason_{};  // in the cell's whole life
};

/// One zapper thread: the workload's host actions at its share of the zap rate, by ZapperLoop; or what a trace's host
/// threads did.
class ZapperThread : public ZapperLoop<ZapperThread, NativeMachine> {
 public:
  static constexpr bool kLeavesCell = false;
  /// Zapper `index` takes every `zappers`-th beat of the common rate.
  /// `actions` is not empty; it and `target` outlive the thread.
  ZapperThread(CellShared& shared, unsigned index, std::span<const HostAction> actions, HostActionTarget& target);
  /// The only zapper of a replay, which outlives the thread, as `engine` does.
  ZapperThread(CellShared& shared, replay::TraceGuest& trace, Engine& engine);
  void run(std::optional<unsigned> cpu);

  ThreadEvents events;
  ZapRecord zaps;
  replay::ReplayCounts replayed;
  ThreadDisturbance disturbance;

 private:
  friend ZapperLoop;
  std::uint64_t ticks_of(std::uint64_t beat) const {
    return static_cast<std::uint64_t>(static_cast<double>(beat) * ticks_per_beat_);
  }
  void observe(std::uint64_t now) { events.observe(now); }
  std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks) const;
  void zap(std::uint64_t intended, std::uint64_t began);
  void record_not_begun(std::uint64_t intended, std::uint64_t now) {
    zaps.record_not_begun(intended, now, shared_.window, shared_.clocked());
  }

  void replay_loop();
  /// `act`: the zap, which is clocked.
  template <class Act>
  void zap_by(Act act, std::uint64_t intended, std::uint64_t began);

  CellShared& shared_;
  const unsigned index_;
  LiveCounters::Thread& live_;
  const double ticks_per_beat_;
  HostActionTarget& target_;
  std::optional<ActionSchedule> schedule_;
  replay::TraceGuest* const trace_ = nullptr;
  Engine* const engine_ = nullptr;  ///< of a replay
};

/// The thread that runs RCU callbacks: started by the machine, if a variant asks for RCU.
class ReclaimerThread {
 public:
  /// On `cpu`, if one is given.
  ReclaimerThread(CellShared& shared, std::optional<unsigned> cpu);

  /// For RcuOptions::on_thread_start: `self` is the ReclaimerThread.
  static void on_thread_start(void* self);
  /// Around the window, on another thread: the reclaimer has no loop of ours to read the clock in.
  void start_events();
  void stop_events() { events_.stop(); }
  const ThreadEvents& events() const { return events_; }

 private:
  const std::optional<unsigned> cpu_;
  timeline::Recorder* const recorder_;
  ThreadEvents events_;
  std::atomic<bool> started_{false};
};

/// The thread that reads a cell's trace. Ends with the scope.
class FeederThread {
 public:
  /// Null: the workload is no trace, and there is nothing to do.
  FeederThread(replay::TraceGuest* trace, CellFailure& failure);
  ~FeederThread() { join(); }
  FeederThread(const FeederThread&) = delete;
  FeederThread& operator=(const FeederThread&) = delete;
  void join();

 private:
  replay::TraceGuest* const trace_;
  std::thread thread_;
};

}  // namespace shadowwalk
