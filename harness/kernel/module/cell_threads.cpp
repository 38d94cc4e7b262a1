// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/kernel/module/cell_threads.hpp"

#include <algorithm>
#include <optional>

#include "workloads/guest/produce_accesses.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr std::uint64_t kLongestSleepNs = 1'000'000;  // then look whether the cell is over

WalkMode walk_mode(const shadowwalk_request& request) {
  return request.walk_mode == SHADOWWALK_WALK_LATENCY ? WalkMode::latency : WalkMode::throughput;
}
Instrumentation instrumentation(const shadowwalk_request& request) {
  switch (request.instrumentation) {
    case SHADOWWALK_INSTRUMENTATION_NONE:
      return Instrumentation::none;
    case SHADOWWALK_INSTRUMENTATION_LIGHT:
      return Instrumentation::light;
    default:
      return Instrumentation::full;
  }
}

/// The beat's time, or a little later; empty: `stop` is set. An hrtimer wakes the thread; near the time it spins.
std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks, const std::atomic<bool>& stop) {
  constexpr std::uint64_t kSpinNs = 10'000;  // a timer's interrupt and a wake-up take about as long
  for (;;) {
    if (stop.load(std::memory_order_relaxed)) return std::nullopt;
    const std::uint64_t now = KernelMachine::now();
    if (now >= ticks) return now;
    const std::uint64_t left_ns = KernelMachine::to_whole_ns(ticks - now);
    if (left_ns > kSpinNs) {
      swk_sleep_ns(std::min(left_ns - kSpinNs, kLongestSleepNs));
    } else {
      swk_yield();
    }
  }
}

}  // namespace

bool CellShared::wait_to_go() {
  attached.fetch_add(1, std::memory_order_release);  // pairs with the acquire of the thread that runs the cell
  while (!go.load(std::memory_order_acquire)) {
    if (stop_waiting_to_go.load(std::memory_order_relaxed)) return false;
    swk_sleep_ns(kLongestSleepNs);
  }
  return true;
}

void Disturbance::observe(std::uint64_t now) {
  if (phase_ == Phase::over || now < window_.start()) return;
  if (phase_ == Phase::early) {
    phase_ = Phase::within;
    began_ = now;
    cpu_time_ = swk_cpu_time_ns();
    preemptions_ = swk_preemptions();
  } else if (now >= window_.end()) {
    phase_ = Phase::over;
    preemptions_ = swk_preemptions() - preemptions_;
    const std::uint64_t passed = KernelMachine::to_whole_ns(now - began_);
    off_cpu_ns_ = passed - std::min(passed, swk_cpu_time_ns() - cpu_time_);
  }
}

VcpuThread::VcpuThread(CellShared& shared, Engine& engine, Vcpu& vcpu, const GuestConfig& guest, unsigned index)
    : record(shared.window, shared.request.walks_per_exit, instrumentation(shared.request), walk_mode(shared.request)),
      disturbance(shared.window),
      shared_(shared),
      engine_(engine),
      vcpu_(vcpu),
      index_(index),
      think_ticks_(KernelMachine::from_ns(shared.request.think_ns)),
      state_(initial_state(guest, index)),
      burst_(new Access[shared.request.walks_per_exit]) {}

void VcpuThread::run() {
  vcpu_.bind(shared_.request.cpu_of_vcpu[index_]);
  const std::unique_ptr<EngineVcpu> engine = engine_.attach_vcpu(index_);
  engine->offline();
  if (!shared_.wait_to_go()) return;
  engine->online();
  loop(*engine);
  counts = engine->counts();
  first_violation << engine->first_violation();
}

void VcpuThread::loop(EngineVcpu& engine) {
  const std::uint32_t burst = shared_.request.walks_per_exit;
  record.burst_end = KernelMachine::now();
  for (;;) {
    const std::uint32_t requests = vcpu_.take_requests();
    if ((requests & kRequestStop) != 0) break;
    std::uint64_t entered = record.burst_end;
    if ((requests & kRequestReloadRoot) != 0) {
      engine.reload_root();
      if (record.clocked) entered = KernelMachine::now();
    }
    // kRequestTlbFlush is served by having left the guest.

    engine.offline();
    if (!vcpu_.enter_guest_mode()) {
      engine.online();
      swk_yield_between();
      continue;
    }
    produce_accesses(state_, burst_.get(), burst);
    vcpu_.leave_guest_mode();
    engine.online();

    engine.walk(std::span<const Access>(burst_.get(), burst), record);
    disturbance.observe(record.burst_start);
    record_exit(entered);
    const std::uint64_t idle_us = burst_idle_us(state_);
    if (idle_us != 0) halt(engine, idle_us);
    if (think_ticks_ != 0) think(engine);
    if (idle_us != 0 || think_ticks_ != 0) record.burst_end = KernelMachine::now();  // the next exit's cycle begins
    engine.offline();
    swk_yield_between();
    engine.online();
  }
  disturbance.observe(KernelMachine::now());
}

void VcpuThread::record_exit(std::uint64_t entered) {
  if (!shared_.window.contains(record.burst_start)) return;
  ++exits;
  if (shared_.request.instrumentation == SHADOWWALK_INSTRUMENTATION_FULL) {
    exit_ns.record(KernelMachine::to_whole_ns(record.burst_start - std::min(entered, record.burst_start)));
  }
}

void VcpuThread::halt(EngineVcpu& engine, std::uint64_t idle_us) {
  engine.offline();
  const std::uint64_t end = KernelMachine::now() + KernelMachine::from_ns(idle_us * 1000);
  for (std::uint64_t now = KernelMachine::now(); now < end && !vcpu_.has_request(kRequestStop);
       now = KernelMachine::now()) {
    swk_sleep_ns(std::min(KernelMachine::to_whole_ns(end - now), kLongestSleepNs));
    disturbance.observe(KernelMachine::now());
  }
  engine.online();
}

void VcpuThread::think(EngineVcpu& engine) {
  const std::uint64_t end = KernelMachine::now() + think_ticks_;
  engine.offline();
  for (std::uint64_t now = KernelMachine::now(); now < end && !vcpu_.has_request(kRequestStop);
       now = KernelMachine::now()) {
    disturbance.observe(now);
    swk_yield();
  }
  engine.online();
}

ZapperThread::ZapperThread(CellShared& shared, Engine& engine, std::span<const HostAction> actions, unsigned index)
    : disturbance(shared.window), shared_(shared), engine_(engine), index_(index), schedule_(actions) {}

void ZapperThread::run() {
  cpu_.bind(SHADOWWALK_ANY_CPU);
  if (shared_.wait_to_go()) loop();
}

std::uint64_t ZapperThread::time_of(std::uint64_t beat) const {
  const std::uint64_t rate = shared_.request.zap_rate;
  const std::uint64_t second = swk_clock.ticks_per_second;
  return beat / rate * second + beat % rate * second / rate;
}

void ZapperThread::loop() {
  const std::uint64_t begin = KernelMachine::now();
  std::uint64_t beat = index_;
  for (;; beat += shared_.request.zappers) {
    const std::uint64_t intended = begin + time_of(beat);
    const auto began = wait_for_beat(intended, shared_.stop_zappers);
    if (!began) break;
    const Zapped zapped = engine_.act(schedule_.next());
    const std::uint64_t end = KernelMachine::now();
    disturbance.observe(end);
    zaps.record(zapped, intended, *began, end, shared_.window, shared_.clocked());
    swk_yield_between();
  }
  const std::uint64_t now = KernelMachine::now();
  for (; begin + time_of(beat) < std::min(now, shared_.window.end()); beat += shared_.request.zappers) {
    zaps.record_not_begun(begin + time_of(beat), now, shared_.window, shared_.clocked());
  }
  disturbance.observe(now);
}

}  // namespace shadowwalk::kernel
