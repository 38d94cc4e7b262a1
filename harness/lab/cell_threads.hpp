#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <latch>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "harness/guest/guest.hpp"
#include "harness/lab/action_schedule.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/lab/cell_records.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/thread_disturbance.hpp"
#include "harness/lab/thread_events.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/measure/window.hpp"
#include "harness/replay/trace_guest.hpp"

namespace shadowwalk {

/// The first error of any of a cell's threads, which ends the cell.
class CellFailure {
 public:
  void report(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!what_) what_ = what;
    changed_.notify_all();
  }
  /// Waits until `ticks` of the cycle clock or the first failure. True: failed.
  bool wait_until(std::uint64_t ticks);
  std::optional<std::string> what() const {
    const std::lock_guard lock(mutex_);
    return what_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> what_;
};

/// Calls config.on_ready if there is one and nothing has failed yet; what it throws is a failure of the cell.
void tell_ready(const CellConfig& config, CellFailure& failure);

/// What the threads of a cell share.
struct CellShared {
  CellShared(const CellConfig& config_in, NativeMachine& machine_in, Engine& engine_in, const Window& window_in,
             LiveCounters& counters_in, const pmu::EncodedSelection& events_in)
      : config(config_in),
        machine(machine_in),
        engine(engine_in),
        window(window_in),
        counters(counters_in),
        events(events_in),
        attached(config.vcpus + config.zappers + 1),
        go(1),
        detached(config.vcpus + 1) {}

  bool clocked() const { return config.instrumentation != Instrumentation::none; }

  const CellConfig& config;
  NativeMachine& machine;
  Engine& engine;
  const Window& window;
  LiveCounters& counters;
  const pmu::EncodedSelection& events;
  CellFailure failure;
  std::latch attached;  ///< vCPUs, zappers and the main thread: they can be interrupted, and found by their names
  std::latch go;        ///< the main thread: nobody walks or zaps before
  std::latch detached;  ///< vCPUs and the main thread: a vCPU stays bound until nobody can interrupt it any more
  std::atomic<bool> stop_zappers{false};
  bool yield_while_waiting = false;  ///< there are more busy threads than CPUs
  bool small_bursts = false;         ///< the guest exits for few accesses, whatever the cell's walks_per_exit
  bool walkers_sleep = false;        ///< the guest halts, or vCPUs share CPUs: time off the CPU is not taken from them
};

/// One vCPU thread: enter the guest, walk for what it did, serve requests, until kRequestStop.
class VcpuThread {
 public:
  /// `replay`: the guest again, if it is a trace; null otherwise.
  VcpuThread(CellShared& shared, unsigned index, GuestVcpu& guest, replay::ReplayVcpu* replay);
  void run(std::optional<unsigned> cpu);

  WalkRecord record;
  ThreadEvents events;
  std::uint64_t exits = 0;
  Histogram exit_ns;
  WalkCounts counts;
  std::string first_violation;
  ThreadDisturbance disturbance;
  ZapRecord zaps;  ///< of a replay: what the trace's vCPU did to shadow pages

 private:
  void loop(EngineVcpu& engine);
  void replay_zap(EngineVcpu& engine);
  void halt(EngineVcpu& engine, std::uint64_t idle_us);
  void record_exit(std::uint64_t entered);
  void count_exit(std::size_t accesses);
  void publish(const EngineVcpu& engine);

  CellShared& shared_;
  const unsigned index_;
  GuestVcpu& guest_;
  replay::ReplayVcpu* const replay_;
  NativeMachine::Vcpu& vcpu_;
  LiveCounters::Thread& live_;
  std::uint64_t next_publication_ = 0;                         // ticks
  std::array<std::uint64_t, kExitReasons> exits_by_reason_{};  // in the cell's whole life
};

/// One zapper thread: the workload's host part at its share of the zap rate, open loop; or what a trace's host threads
/// did.
class ZapperThread {
 public:
  /// Zapper `index` takes every `zappers`-th beat of the common rate.
  /// `actions` is not empty and outlives the thread.
  ZapperThread(CellShared& shared, unsigned index, std::span<const HostAction> actions);
  /// The only zapper of a replay, which outlives the thread.
  ZapperThread(CellShared& shared, replay::TraceGuest& trace);
  void run(std::optional<unsigned> cpu);

  ThreadEvents events;
  ZapRecord zaps;
  replay::ReplayCounts replayed;
  ThreadDisturbance disturbance;

 private:
  void loop();
  void replay_loop();
  template <class Action>
  void zap(const Action& action, std::uint64_t intended, std::uint64_t began);

  CellShared& shared_;
  const unsigned index_;
  LiveCounters::Thread& live_;
  const double ticks_per_beat_;
  std::optional<ActionSchedule> schedule_;
  replay::TraceGuest* const trace_ = nullptr;
};

}  // namespace shadowwalk
