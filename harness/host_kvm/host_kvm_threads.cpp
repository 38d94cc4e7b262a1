#include "harness/host_kvm/host_kvm_threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <exception>

#include "harness/lab/open_loop.hpp"
#include "harness/machine/placement.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk::host_kvm {
namespace {

bool sleeps(const GuestConfig& guest, unsigned index) {
  const GuestParams& params = guest.params;
  const bool some_phase_does = std::any_of(params.phases, params.phases + params.phase_count,
                                           [](const AccessPhase& phase) { return phase.idle_us != 0; });
  return params.idle_us != 0 || some_phase_does || (index >= guest.active_vcpus && guest.idle_us != 0);
}

ExitReason reason_of(TouchExit exit) {
  if (exit == TouchExit::interrupted) return ExitReason::interrupted;
  return exit == TouchExit::burst ? ExitReason::doorbell : ExitReason::mmio;
}

}  // namespace

ToucherThread::ToucherThread(HostKvmShared& shared, unsigned index)
    : disturbance(shared.window, !sleeps(shared.plan.touch.guest, index)), shared_(shared), index_(index) {
  vcpu_.set_immediate_exit(&shared.vm.vcpu(index).immediate_exit());
}

void ToucherThread::run(std::optional<unsigned> cpu) {
  vcpu_.bind(fmt::format("vcpu-{}", index_));
  try {
    if (cpu) pin_this_thread(*cpu);
  } catch (const std::exception& error) {
    shared_.failure.report(error.what());
  }
  shared_.attached.count_down();
  shared_.go.wait();
  try {
    loop();
  } catch (const std::exception& error) {
    vcpu_.leave_guest_mode();
    shared_.failure.report(error.what());
  }
  shared_.detached.count_down();
  wait_interruptibly(shared_.detached);
  vcpu_.unbind();
}

void ToucherThread::loop() {
  TouchVcpu& guest = shared_.vm.vcpu(index_);
  while ((vcpu_.take_requests() & kRequestStop) == 0) {
    if (!vcpu_.enter_guest_mode()) continue;
    const TouchExit exit = guest.run();
    vcpu_.leave_guest_mode();
    const std::uint64_t now = CycleClock::now();
    disturbance.observe(now);
    count(reason_of(exit));
    if (shared_.window.contains(now)) {
      ++exits;
      if (exit == TouchExit::lost_slot) ++lost_slot;
    }
    if (exit == TouchExit::burst) halt(guest.idle_us());
  }
  disturbance.observe(CycleClock::now());
  finish_burst(guest);
}

void ToucherThread::count(ExitReason reason) {
  add_alone(shared_.counters.vcpu(index_).exits[static_cast<std::size_t>(reason)], 1);
}

/// A HLT exit: the vCPU blocks in the host.
void ToucherThread::halt(std::uint64_t idle_us) {
  if (idle_us != 0) count(ExitReason::halt);
  constexpr std::uint64_t kLongestSleepNs = 1'000'000;  // then look whether the cell is over
  const std::uint64_t end = CycleClock::now() + CycleClock::from_ns(static_cast<double>(idle_us) * 1e3);
  for (std::uint64_t now = CycleClock::now(); now < end && !shared_.stop_touching; now = CycleClock::now()) {
    const timespec time{0, static_cast<long>(std::min(CycleClock::to_whole_ns(end - now), kLongestSleepNs))};
    nanosleep(&time, nullptr);
    disturbance.observe(CycleClock::now());
  }
}

// A kick may have come between a touch and its place in the log: the log is consistent at the end of a burst.
void ToucherThread::finish_burst(TouchVcpu& guest) {
  do {
    // Each time: who asked to stop may set it late.
    std::atomic_ref(guest.immediate_exit()).store(0, std::memory_order_relaxed);
  } while (guest.run() != TouchExit::burst);
}

BeatThread::BeatThread(HostKvmShared& shared) : disturbance(shared.window, false), shared_(shared) {}

void BeatThread::run(std::optional<unsigned> cpu) {
  Cpu self;
  self.bind("zapper-0");
  try {
    if (cpu) pin_this_thread(*cpu);
    timeline::join(shared_.config.timeline, "zapper-0");
    sleep_precisely();
  } catch (const std::exception& error) {
    shared_.failure.report(error.what());
  }
  shared_.attached.count_down();
  shared_.go.wait();
  try {
    loop();
  } catch (const std::exception& error) {
    shared_.failure.report(error.what());
  }
  self.unbind();
}

void BeatThread::loop() {
  const double ticks_per_beat = static_cast<double>(CycleClock::from_ns(1e9)) / shared_.config.zap_rate;
  HostBeats host(shared_.vm, shared_.plan);
  const std::uint64_t begin = CycleClock::now();
  for (std::uint64_t number = 0;; ++number) {
    const std::uint64_t intended = begin + static_cast<std::uint64_t>(static_cast<double>(number) * ticks_per_beat);
    const auto began = wait_for_beat(intended, shared_.stop_zapper, shared_.yield_while_waiting);
    if (!began) break;
    SHADOWWALK_PROBE(zap__start, 0, CycleClock::to_whole_ns(*began - intended));
    const HostBeats::Beat beat = host.next();
    tell_beat(beat);
    record(beat, intended);
  }
  disturbance.observe(CycleClock::now());
}

void BeatThread::tell_beat(const HostBeats::Beat& beat) {
  const auto ns = [&] { return CycleClock::to_whole_ns(beat.ended - beat.began); };
  if (beat.pages == 0) {
    SHADOWWALK_PROBE(zap__empty, 0, ns());
  } else {
    SHADOWWALK_PROBE(zap__done, 0, 0, beat.pages, ns());
  }
}

void BeatThread::record(const HostBeats::Beat& beat, std::uint64_t intended) {
  disturbance.observe(beat.ended);
  totals.add(beat);
  LiveCounters::Thread& live = shared_.counters.zapper(0);
  add_alone(beat.pages == 0 ? live.zaps_empty : live.zaps, 1);
  if (!shared_.window.contains(beat.ended)) return;
  if (beat.kind == HostAction::Kind::write_protect) dirty_pages += beat.pages;
  if (beat.pages == 0) {
    ++beats_empty;
    return;
  }
  ++beats;
  if (shared_.config.instrumentation == Instrumentation::none) return;
  beat_ns.record(CycleClock::to_whole_ns(beat.ended - intended));
  beat_service_ns.record(CycleClock::to_whole_ns(beat.ended - beat.began));
}

}  // namespace shadowwalk::host_kvm
