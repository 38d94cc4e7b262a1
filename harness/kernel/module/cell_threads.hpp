// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "harness/guest/guest.hpp"
#include "harness/kernel/module/engine.hpp"
#include "harness/kernel/module/failure.hpp"
#include "harness/lab/action_schedule.hpp"
#include "harness/lab/basic_records.hpp"

/// The kthreads of a cell. Their loops are those of harness/lab/cell_threads.hpp, without a process around them.
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

/// What kept one thread of a cell from its work within the window. Own thread only, until it has ended.
class Disturbance {
 public:
  explicit Disturbance(const Window& window) : window_(window) {}
  /// Call it often: it does something only the first time in the window, and the first time after it.
  void observe(std::uint64_t now);
  std::uint64_t preemptions() const { return phase_ == Phase::over ? preemptions_ : 0; }
  std::uint64_t off_cpu_ns() const { return phase_ == Phase::over ? off_cpu_ns_ : 0; }

 private:
  enum class Phase { early, within, over };
  const Window& window_;
  Phase phase_ = Phase::early;
  std::uint64_t began_ = 0;
  std::uint64_t cpu_time_ = 0;
  std::uint64_t preemptions_ = 0;
  std::uint64_t off_cpu_ns_ = 0;
};

/// One vCPU: produces a burst as its guest would, walks for it, serves requests, until kRequestStop.
class VcpuThread {
 public:
  VcpuThread(CellShared& shared, Engine& engine, Vcpu& vcpu, const GuestConfig& guest, unsigned index);
  /// On its own thread; `self` is a VcpuThread.
  static void run(void* self) { static_cast<VcpuThread*>(self)->run(); }

  WalkRecord record;
  Disturbance disturbance;
  std::uint64_t exits = 0;
  Histogram exit_ns;
  WalkCounts counts;
  Line<160> first_violation;

 private:
  void run();
  void loop(EngineVcpu& engine);
  void record_exit(std::uint64_t entered);
  void halt(EngineVcpu& engine, std::uint64_t idle_us);
  void think(EngineVcpu& engine);

  CellShared& shared_;
  Engine& engine_;
  Vcpu& vcpu_;
  const unsigned index_;
  const std::uint64_t think_ticks_;
  GuestProgramState state_;
  const std::unique_ptr<Access[]> burst_;
};

/// One zapper: the request's host actions at its share of the zap rate, open loop.
class ZapperThread {
 public:
  ZapperThread(CellShared& shared, Engine& engine, std::span<const HostAction> actions, unsigned index);
  static void run(void* self) { static_cast<ZapperThread*>(self)->run(); }

  ZapRecord zaps;
  Disturbance disturbance;

 private:
  void run();
  void loop();
  /// After `begin`, in ticks.
  std::uint64_t time_of(std::uint64_t beat) const;

  CellShared& shared_;
  Engine& engine_;
  const unsigned index_;
  ActionSchedule schedule_;
  Cpu cpu_;
};

}  // namespace shadowwalk::kernel
