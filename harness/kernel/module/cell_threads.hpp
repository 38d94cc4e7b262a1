// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "harness/guest/guest.hpp"
#include "harness/kernel/module/engine.hpp"
#include "harness/kernel/module/failure.hpp"
#include "harness/lab/action_schedule.hpp"
#include "harness/lab/basic_records.hpp"
#include "harness/lab/thread_loops.hpp"

/// The kthreads of a cell.
namespace shadowwalk::kernel {

using ZapRecord = BasicZapRecord<KernelMachine>;

/// What the threads of a cell share. Made by the thread that runs the cell, before the others.
struct CellShared {
  explicit CellShared(const shadowwalk_request& request_in) : request(request_in) {}

  bool clocked() const { return request.instrumentation != SHADOWWALK_INSTRUMENTATION_NONE; }

  const shadowwalk_request& request;
  Window window;
  CellFailure failure;
  std::atomic<unsigned> attached{0};  ///< threads that are ready
  std::atomic<bool> go{false};        ///< no thread walks or zaps before
  std::atomic<bool> stop_zappers{false};
  std::atomic<bool> stop_waiting_to_go{false};  ///< the cell ends before it began

  /// On a thread of the cell: it is ready. False: the cell ends before it began.
  bool wait_to_go();
};

/// What one thread of a cell did within the window beside its work, and what kept it from that. Own thread only, until
/// it has ended.
class ThreadRecord {
 public:
  struct FreeCounters {
    void operator()(swk_counters* counters) const { swk_counters_free(counters); }
  };

  explicit ThreadRecord(const Window& window) : window_(window) {}
  /// Call it often: it does something only the first time in the window, and the first time after it. The caller holds
  /// nothing.
  void observe(std::uint64_t now) {
    if (phase_ != Phase::over) pass(now);
  }
  std::uint64_t preemptions() const { return phase_ == Phase::over ? preemptions_ : 0; }
  std::uint64_t off_cpu_ns() const { return phase_ == Phase::over ? off_cpu_ns_ : 0; }

  std::unique_ptr<swk_counters, FreeCounters> counters;  ///< null: no events were asked for

 private:
  enum class Phase { early, within, over };
  void pass(std::uint64_t now);

  const Window& window_;
  Phase phase_ = Phase::early;
  std::uint64_t began_ = 0;
  std::uint64_t cpu_time_ = 0;
  std::uint64_t preemptions_ = 0;
  std::uint64_t off_cpu_ns_ = 0;
};

/// One vCPU, whose guest's program runs on its own thread.
class VcpuThread : public VcpuLoop<VcpuThread, KernelMachine> {
 public:
  VcpuThread(CellShared& shared, Engine& engine, Vcpu& vcpu, const GuestConfig& guest, unsigned index);
  /// On its own thread; `self` is a VcpuThread.
  static void run(void* self) { static_cast<VcpuThread*>(self)->run(); }

  ThreadRecord thread;
  WalkCounts counts;
  Line<160> first_violation;

 private:
  friend VcpuLoop;
  std::span<const Access> enter_guest();
  void walk(EngineVcpu& engine, std::span<const Access> accesses) { engine.walk(accesses, record); }
  static void end_burst(EngineVcpu&, std::size_t) {}
  std::uint64_t idle_us() const { return burst_idle_us(state_); }
  void halt(EngineVcpu& engine, std::uint64_t idle_us);
  static void spin();
  static void between_bursts(EngineVcpu& engine);
  void observe(std::uint64_t now) { thread.observe(now); }

  void run();

  CellShared& shared_;
  Engine& engine_;
  const unsigned index_;
  GuestProgramState state_;
  const std::unique_ptr<Access[]> burst_;
};

/// One zapper: the request's host actions at its share of the zap rate.
class ZapperThread : public ZapperLoop<ZapperThread, KernelMachine> {
 public:
  ZapperThread(CellShared& shared, Engine& engine, std::span<const HostAction> actions, unsigned index);
  static void run(void* self) { static_cast<ZapperThread*>(self)->run(); }

  ZapRecord zaps;
  ThreadRecord thread;

 private:
  friend ZapperLoop;
  std::uint64_t ticks_of(std::uint64_t beat) const;
  void observe(std::uint64_t now) { thread.observe(now); }
  std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks) const;
  void zap(std::uint64_t intended, std::uint64_t began);
  void record_not_begun(std::uint64_t intended, std::uint64_t now) {
    zaps.record_not_begun(intended, now, shared_.window, shared_.clocked());
  }

  void run();

  CellShared& shared_;
  Engine& engine_;
  const unsigned index_;
  ActionSchedule schedule_;
  Cpu cpu_;
};

}  // namespace shadowwalk::kernel
