// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "harness/guest/access.hpp"
#include "harness/lab/engine_vcpu.hpp"
#include "harness/machine/machine.hpp"

/// What the threads of a cell do, on any machine of real threads. `Thread` derives from its loop, and does what depends
/// on the environment.
namespace shadowwalk {

/// A vCPU: enters the guest, walks for what it did, serves requests, until kRequestStop.
///
///   enter_guest()              runs the guest; its accesses, which live until the next call. Mode in_guest
///   walk(engine, accesses)     EngineVcpu::walk(), and what surrounds it
///   end_burst(engine, count)   after it, or after the guest has left without an access
///   idle_us()                  for how long the guest halts now; 0: it does not
///   halt(engine, idle_us)
///   spin()                     one turn of waiting while the guest computes
///   between_bursts(engine)     before the guest is entered again, and when it could not be
///   observe(now)               the window may have begun, or ended
template <class Thread, class MachineType>
class VcpuLoop {
 public:
  WalkRecord record;
  std::uint64_t exits = 0;  ///< in the window
  Histogram exit_ns;

 protected:
  using Vcpu = typename MachineType::Vcpu;

  VcpuLoop(const Window& window, unsigned walks_per_exit, Instrumentation level, WalkMode mode, Vcpu& vcpu,
           std::uint64_t think_ticks)
      : record(window, walks_per_exit, level, mode),
        vcpu_(vcpu),
        clock_exits_(level == Instrumentation::full),
        think_ticks_(think_ticks) {}
  ~VcpuLoop() = default;

  void loop(EngineVcpu& engine) {
    record.burst_end = MachineType::now();
    for (;;) {
      const std::uint32_t requests = vcpu_.take_requests();
      if ((requests & kRequestStop) != 0) break;
      std::uint64_t entered = record.burst_end;
      if ((requests & kRequestReloadRoot) != 0) {
        engine.reload_root();
        if (record.clocked) entered = MachineType::now();
      }
      // kRequestTlbFlush is served by having left the guest.

      engine.offline();
      if (!vcpu_.enter_guest_mode()) {
        engine.online();
        self().between_bursts(engine);
        continue;
      }
      const std::span<const Access> accesses = self().enter_guest();
      vcpu_.leave_guest_mode();
      engine.online();

      if (accesses.empty()) {
        record.burst_start = record.burst_end = MachineType::now();
      } else {
        self().walk(engine, accesses);
      }
      self().end_burst(engine, accesses.size());
      self().observe(record.burst_start);
      record_exit(entered);
      if (!accesses.empty()) idle(engine);
      self().between_bursts(engine);
    }
    self().observe(MachineType::now());
  }

  Vcpu& vcpu_;

 private:
  Thread& self() { return static_cast<Thread&>(*this); }

  /// The exit that the last burst came with. `entered`: when the vCPU was about to enter the guest for it.
  void record_exit(std::uint64_t entered) {
    if (!record.window.contains(record.burst_start)) return;
    ++exits;
    // Clocks of two CPUs may differ a little, and the thread may have moved.
    const std::uint64_t began = std::min(entered, record.burst_start);
    if (clock_exits_) exit_ns.record(MachineType::to_whole_ns(record.burst_start - began));
  }

  void idle(EngineVcpu& engine) {
    const std::uint64_t idle_us = self().idle_us();
    if (idle_us != 0) self().halt(engine, idle_us);
    if (think_ticks_ != 0) think(engine);
    if (idle_us != 0 || think_ticks_ != 0) record.burst_end = MachineType::now();  // the next exit's cycle begins
  }

  /// --think-ns: the guest computes between two bursts. It touches no page table, so that no scheme waits for it. A
  /// stop ends it early.
  void think(EngineVcpu& engine) {
    const std::uint64_t end = MachineType::now() + think_ticks_;
    engine.offline();
    for (std::uint64_t now = MachineType::now(); now < end && !vcpu_.has_request(kRequestStop);
         now = MachineType::now()) {
      self().observe(now);
      self().spin();
    }
    engine.online();
  }

  const bool clock_exits_;
  const std::uint64_t think_ticks_;
};

/// A zapper: every `step`-th beat of a common rate from beat `first` on, open loop.
///
///   ticks_of(beat)          when the beat is due, after the first
///   observe(now)            the window may have begun, or ended
///   wait_for_beat(ticks)    blocks until then; the time, or nothing: the thread is to stop
///   zap(intended, began)    does it, and records it in `zaps`
///   record_not_begun(intended, now)
template <class Thread, class MachineType>
class ZapperLoop {
 protected:
  ~ZapperLoop() = default;

  void loop(std::uint64_t first, std::uint64_t step, const Window& window) {
    const std::uint64_t begin = MachineType::now();
    const auto intended_at = [&](std::uint64_t beat) { return begin + self().ticks_of(beat); };
    std::uint64_t beat = first;
    for (;; beat += step) {
      const std::uint64_t intended = intended_at(beat);
      // Before the zap, so that what starting counters takes is in no latency; late, if the zapper is.
      self().observe(std::max(intended, MachineType::now()));
      const auto began = self().wait_for_beat(intended);
      if (!began) break;
      self().zap(intended, *began);
    }
    const std::uint64_t now = MachineType::now();
    for (; intended_at(beat) < std::min(now, window.end()); beat += step) {
      self().record_not_begun(intended_at(beat), now);
    }
  }

 private:
  Thread& self() { return static_cast<Thread&>(*this); }
};

}  // namespace shadowwalk
