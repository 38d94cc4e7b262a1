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

/// One turn of waiting, of a thread that holds nothing.
void spin_between() {
  cpu_relax();
  swk_yield_between();
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

void ThreadRecord::pass(std::uint64_t now) {
  if (now < window_.start()) return;
  if (phase_ == Phase::early) {
    phase_ = Phase::within;
    began_ = now;
    cpu_time_ = swk_cpu_time_ns();
    preemptions_ = swk_preemptions();
    if (counters != nullptr) swk_counters_start(counters.get());
  } else if (now >= window_.end()) {
    phase_ = Phase::over;
    if (counters != nullptr) swk_counters_stop(counters.get());
    preemptions_ = swk_preemptions() - preemptions_;
    const std::uint64_t passed = KernelMachine::to_whole_ns(now - began_);
    off_cpu_ns_ = passed - std::min(passed, swk_cpu_time_ns() - cpu_time_);
  }
}

VcpuThread::VcpuThread(CellShared& shared, Engine& engine, Vcpu& vcpu, const GuestConfig& guest, unsigned index)
    : VcpuLoop(shared.window, shared.request.walks_per_exit, instrumentation(shared.request), walk_mode(shared.request),
               vcpu, KernelMachine::from_ns(shared.request.think_ns)),
      thread(shared.window),
      shared_(shared),
      engine_(engine),
      index_(index),
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

std::span<const Access> VcpuThread::enter_guest() {
  produce_accesses(state_, burst_.get(), shared_.request.walks_per_exit);
  return {burst_.get(), shared_.request.walks_per_exit};
}

void VcpuThread::halt(EngineVcpu& engine, std::uint64_t idle_us) {
  engine.offline();
  const std::uint64_t end = KernelMachine::now() + KernelMachine::from_ns(idle_us * 1000);
  for (std::uint64_t now = KernelMachine::now(); now < end && !vcpu_.has_request(kRequestStop);
       now = KernelMachine::now()) {
    swk_sleep_ns(std::min(KernelMachine::to_whole_ns(end - now), kLongestSleepNs));
    observe(KernelMachine::now());
  }
  engine.online();
}

void VcpuThread::spin() { spin_between(); }

/// A process is preempted; a kernel thread lets others run, as KVM does before it enters the guest.
void VcpuThread::between_bursts(EngineVcpu& engine) {
  engine.offline();
  swk_yield_between();
  engine.online();
}

ZapperThread::ZapperThread(CellShared& shared, Engine& engine, std::span<const HostAction> actions, unsigned index)
    : thread(shared.window), shared_(shared), engine_(engine), index_(index), schedule_(actions) {}

void ZapperThread::run() {
  cpu_.bind(SHADOWWALK_ANY_CPU);
  if (!shared_.wait_to_go()) return;
  loop(index_, shared_.request.zappers, shared_.window);
  thread.observe(KernelMachine::now());
}

std::uint64_t ZapperThread::ticks_of(std::uint64_t beat) const {
  const std::uint64_t rate = shared_.request.zap_rate;
  const std::uint64_t second = swk_clock.ticks_per_second;
  return beat / rate * second + beat % rate * second / rate;
}

/// The beat's time, or a little later. An hrtimer wakes the thread; near the time it spins.
std::optional<std::uint64_t> ZapperThread::wait_for_beat(std::uint64_t ticks) const {
  constexpr std::uint64_t kSpinNs = 10'000;  // a timer's interrupt and a wake-up take about as long
  for (;;) {
    if (shared_.stop_zappers.load(std::memory_order_relaxed)) return std::nullopt;
    const std::uint64_t now = KernelMachine::now();
    if (now >= ticks) return now;
    const std::uint64_t left_ns = KernelMachine::to_whole_ns(ticks - now);
    if (left_ns > kSpinNs) {
      swk_sleep_ns(std::min(left_ns - kSpinNs, kLongestSleepNs));
    } else {
      spin_between();
    }
  }
}

void ZapperThread::zap(std::uint64_t intended, std::uint64_t began) {
  const Zapped zapped = engine_.act(schedule_.next());
  const std::uint64_t end = ZapRecord::end_of(zapped);
  zaps.record(zapped, intended, began, end, shared_.window, shared_.clocked());
  swk_yield_between();
}

}  // namespace shadowwalk::kernel
