#include "harness/host_kvm/host_kvm_threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "harness/machine/placement.hpp"

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

ToucherThread::ToucherThread(CellShared& shared, TouchVm& vm, const GuestConfig& guest, unsigned index)
    : disturbance(shared.window, !sleeps(guest, index)), shared_(shared), guest_(vm.vcpu(index)), index_(index) {
  vcpu_.set_immediate_exit(&guest_.immediate_exit());
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
  leave_cell(shared_, vcpu_);
}

void ToucherThread::loop() {
  while ((vcpu_.take_requests() & kRequestStop) == 0) {
    if (!vcpu_.enter_guest_mode()) continue;
    const TouchExit exit = guest_.run();
    vcpu_.leave_guest_mode();
    const std::uint64_t now = CycleClock::now();
    disturbance.observe(now);
    count(reason_of(exit));
    if (shared_.window.contains(now)) {
      ++exits;
      if (exit == TouchExit::lost_slot) ++lost_slot;
    }
    if (exit == TouchExit::burst) halt(guest_.idle_us());
  }
  disturbance.observe(CycleClock::now());
  finish_burst();
}

void ToucherThread::count(ExitReason reason) {
  add_alone(shared_.counters.vcpu(index_).exits[static_cast<std::size_t>(reason)], 1);
}

void ToucherThread::halt(std::uint64_t idle_us) {
  if (idle_us != 0) count(ExitReason::halt);
  sleep_halted(vcpu_, idle_us, disturbance);
}

// A kick may have come between a touch and its place in the log: the log is consistent at the end of a burst.
void ToucherThread::finish_burst() {
  do {
    // Each time: the request to stop may set it late.
    std::atomic_ref(guest_.immediate_exit()).store(0, std::memory_order_relaxed);
  } while (guest_.run() != TouchExit::burst);
}

}  // namespace shadowwalk::host_kvm
