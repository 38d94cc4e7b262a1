#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "harness/machine/backoff.hpp"
#include "harness/machine/basic_machine.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/fences.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/mmu_lock.hpp"
#include "harness/machine/rcu.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk {

/// The hardware: vCPUs are threads, IPIs are signals, the clock is the cycle clock, RCU is liburcu's.
class NativeMachine : public BasicMachine<NativeMachine, shadowwalk::Vcpu, shadowwalk::Rcu> {
 public:
  template <class T>
  using Atomic = std::atomic<T>;
  using MmuLock = shadowwalk::MmuLock;
  using Backoff = shadowwalk::Backoff;

  static constexpr bool has_bug(Mutant) { return false; }
  static void full_fence() { shadowwalk::full_fence(); }
  static void mfence() { shadowwalk::mfence(); }
  static void full_fence_beside_atomic() { shadowwalk::full_fence_beside_atomic(); }
  static void compiler_barrier() { shadowwalk::signal_fence(); }
  /// Needs register_membarrier().
  static void membarrier_all() { shadowwalk::membarrier_all(); }

  static std::uint64_t now() { return CycleClock::now(); }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return CycleClock::to_whole_ns(ticks); }

  explicit NativeMachine(unsigned vcpus) : BasicMachine(vcpus) {}

  static void trace_delay_free_pages(std::size_t pages) { SHADOWWALK_PROBE(delay__free__pages, pages); }

 private:
  friend BasicMachine;
  static void trace_ipis(std::size_t sent, std::uint64_t start) {
    SHADOWWALK_PROBE(ipi__done, sent, to_whole_ns(now() - start));
  }
};
static_assert(Machine<NativeMachine>);

}  // namespace shadowwalk
