#pragma once

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
#include "harness/lab/engine.hpp"
#include "harness/lab/thread_disturbance.hpp"
#include "harness/lab/thread_events.hpp"
#include "harness/lab/walk_record.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/window.hpp"

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
             const pmu::EncodedSelection& events_in)
      : config(config_in),
        machine(machine_in),
        engine(engine_in),
        window(window_in),
        events(events_in),
        attached(config.vcpus + config.zappers + 1),
        go(1),
        detached(config.vcpus + 1) {}

  const CellConfig& config;
  NativeMachine& machine;
  Engine& engine;
  const Window& window;
  const pmu::EncodedSelection& events;
  CellFailure failure;
  std::latch attached;  ///< vCPUs, zappers and the main thread: they can be interrupted, and found by their names
  std::latch go;        ///< the main thread: nobody walks or zaps before
  std::latch detached;  ///< vCPUs and the main thread: a vCPU stays bound until nobody can interrupt it any more
  std::atomic<bool> stop_zappers{false};
  bool yield_while_waiting = false;  ///< there are more busy threads than CPUs
  bool walkers_sleep = false;        ///< the guest halts, or vCPUs share CPUs: time off the CPU is not taken from them
};

/// One vCPU thread: enter the guest, walk for what it did, serve requests, until kRequestStop.
class VcpuThread {
 public:
  VcpuThread(CellShared& shared, unsigned index, GuestVcpu& guest);
  void run(std::optional<unsigned> cpu);

  WalkRecord record;
  ThreadEvents events;
  std::uint64_t exits = 0;
  Histogram exit_ns;
  WalkCounts counts;
  std::string first_violation;
  ThreadDisturbance disturbance;

 private:
  void loop(EngineVcpu& engine);
  void halt(EngineVcpu& engine, std::uint64_t idle_us);
  void record_exit(std::uint64_t entered);

  CellShared& shared_;
  const unsigned index_;
  GuestVcpu& guest_;
  NativeMachine::Vcpu& vcpu_;
};

/// One zapper thread: the workload's host part at its share of the zap rate, open loop.
class ZapperThread {
 public:
  /// Zapper `index` takes every `zappers`-th beat of the common rate.
  /// `actions` is not empty and outlives the thread.
  ZapperThread(CellShared& shared, unsigned index, std::span<const HostAction> actions);
  void run(std::optional<unsigned> cpu);

  ThreadEvents events;
  std::uint64_t zaps = 0;
  std::uint64_t zaps_empty = 0;
  std::uint64_t zaps_total = 0;  ///< in the cell's whole life, of those that found something
  Histogram zap_ns;              ///< from the intended start
  Histogram zap_service_ns;      ///< from the real one
  ThreadDisturbance disturbance;

 private:
  void loop();
  void tell_zap(const Zapped& zapped, std::uint64_t ticks) const;
  void record_zap(const Zapped& zapped, std::uint64_t intended, std::uint64_t began, std::uint64_t end);

  CellShared& shared_;
  const unsigned index_;
  const double ticks_per_beat_;
  ActionSchedule schedule_;
};

}  // namespace shadowwalk
