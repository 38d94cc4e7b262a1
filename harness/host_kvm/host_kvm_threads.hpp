#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <optional>

#include "harness/host_kvm/host_beats.hpp"
#include "harness/host_kvm/host_kvm_events.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/machine/cpu.hpp"

namespace shadowwalk::host_kvm {

/// What the threads of a cell share.
struct HostKvmShared {
  HostKvmShared(const CellConfig& config_in, const HostPlan& plan_in, TouchVm& vm_in, LiveCounters& counters_in)
      : config(config_in),
        plan(plan_in),
        vm(vm_in),
        counters(counters_in),
        attached(config.vcpus + (plan.actions.empty() ? 1 : 2)),
        go(1),
        detached(config.vcpus + 1) {}

  const CellConfig& config;
  const HostPlan& plan;
  TouchVm& vm;
  LiveCounters& counters;
  Window window;
  CellFailure failure;
  std::latch attached;  ///< vCPUs, the zapper if there is one, and the main thread
  std::latch go;        ///< the main thread: nobody touches or beats before
  std::latch detached;  ///< vCPUs and the main thread: a vCPU stays bound until nobody can interrupt it any more
  std::atomic<bool> stop_zapper{false};
  std::atomic<bool> stop_touching{false};  ///< beside kRequestStop: for vCPUs that halt
  bool yield_while_waiting = false;        ///< there are more busy threads than CPUs
};

/// One vCPU thread: enter the guest, serve what it left for, until kRequestStop.
class ToucherThread {
 public:
  ToucherThread(HostKvmShared& shared, unsigned index);
  void run(std::optional<unsigned> cpu);
  Vcpu& vcpu() { return vcpu_; }

  std::uint64_t exits = 0;      ///< in the window
  std::uint64_t lost_slot = 0;  ///< of these, touches served while the memory slot was away
  ThreadDisturbance disturbance;

 private:
  void loop();
  void halt(std::uint64_t idle_us);
  void count(ExitReason reason);
  static void finish_burst(TouchVcpu& guest);

  HostKvmShared& shared_;
  const unsigned index_;
  Vcpu vcpu_;
};

/// The zapper thread: the host's beats at the zap rate, open loop.
class BeatThread {
 public:
  explicit BeatThread(HostKvmShared& shared);
  void run(std::optional<unsigned> cpu);

  BeatTotals totals;  ///< in the cell's whole life
  // In the window.
  std::uint64_t beats = 0;        ///< that concerned some page
  std::uint64_t beats_empty = 0;  ///< the others
  std::uint64_t dirty_pages = 0;  ///< that rounds of dirty logging found
  Histogram beat_ns;              ///< from the intended start
  Histogram beat_service_ns;      ///< the system calls alone
  ThreadDisturbance disturbance;

 private:
  void loop();
  static void tell_beat(const HostBeats::Beat& beat);
  void record(const HostBeats::Beat& beat, std::uint64_t intended);

  HostKvmShared& shared_;
};

}  // namespace shadowwalk::host_kvm
