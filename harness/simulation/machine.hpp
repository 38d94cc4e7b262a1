#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "harness/machine/basic_machine.hpp"
#include "harness/machine/machine.hpp"
#include "harness/simulation/atomic.hpp"
#include "harness/simulation/cpu.hpp"
#include "harness/simulation/rcu.hpp"

namespace shadowwalk {
namespace simulation {

/// kvm->mmu_lock as a ticket lock. Its release is a plain store, which waits in the store buffer like any other.
class MmuLock {
 public:
  explicit MmuLock(MmuLockKind = MmuLockKind::ticket) { set_name("mmu_lock"); }
  /// The name under which observers of the execution see it.
  void set_name(const std::string& name) {
    next_.set_name(name + ".next");
    serving_.set_name(name + ".serving");
  }

  void lock() {
    if (const Cpu* const cpu = Cpu::current(); cpu != nullptr && !cpu->irqs_enabled()) {
      Execution::current().complain(
          "mmu_lock is taken with the interrupt gate closed: its holder may wait for our IPI");
    }
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    // acquire pairs with the release in unlock(): the last holder's changes are visible.
    while (serving_.load(std::memory_order_acquire) != ticket) Execution::current().wait_for_change();
    held_ = ticket;
  }
  void unlock() { serving_.store(held_ + 1, std::memory_order_release); }
  bool contended() const {
    return next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1;
  }

 private:
  Atomic<std::uint32_t> next_{0};
  Atomic<std::uint32_t> serving_{0};
  std::uint32_t held_ = 0;  // the holder's ticket
};

using Vcpu = BasicVcpu<Cpu, Atomic>;

}  // namespace simulation

/// The simulated machine that runs under every schedule, on the CPUs of the current simulation::Execution. Variants,
/// tree, walker and zapper run on it unchanged.
class SimulatedMachine : public BasicMachine<SimulatedMachine, simulation::Vcpu, simulation::Rcu> {
 public:
  template <class T>
  using Atomic = simulation::Atomic<T>;
  using MmuLock = simulation::MmuLock;
  struct Backoff {
    static void wait() { simulation::Execution::current().wait_for_change(); }
  };

  static bool has_bug(Mutant mutant) { return simulation::Cpu::has_bug(mutant); }
  static void full_fence(simulation::SourceLine where = simulation::SourceLine::current()) {
    simulation::Cpu::full_fence(where);
  }
  static void mfence(simulation::SourceLine where = simulation::SourceLine::current()) {
    simulation::Cpu::full_fence(where);
  }
  static void full_fence_beside_atomic() {}  // the atomic operation is a full barrier
  static void compiler_barrier() {}          // programs run as they are written
  /// All CPUs' barriers at one moment, as in a grace period (rcu.hpp).
  static void membarrier_all(simulation::SourceLine where = simulation::SourceLine::current()) {
    simulation::Execution& execution = simulation::Execution::current();
    if (!execution.passes(where, simulation::Site::Kind::full_fence)) execution.fence_all();
  }

  /// There is no time.
  static std::uint64_t now() { return 0; }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return ticks; }

  /// vCPU i is the execution's CPU i.
  explicit SimulatedMachine(unsigned vcpus) : BasicMachine(vcpus) {
    for (unsigned i = 0; i < vcpus; ++i) {
      Vcpu& vcpu = *this->vcpus()[i];
      vcpu.bind(i);
      vcpu.name_variables([i](auto& variable, const char* what) {
        variable.set_name(std::string(what) + " of vCPU " + std::to_string(i));
      });
    }
  }

  void flush_remote_tlbs(simulation::SourceLine where = simulation::SourceLine::current()) {
    if (simulation::Execution::current().passes(where, simulation::Site::Kind::flush)) return;
    BasicMachine::flush_remote_tlbs();
  }

  /// Scans happen at once: the question is what can happen, not what it costs.
  static std::size_t retire_threshold(std::size_t /*protected_pages*/) { return 1; }
  static constexpr unsigned amortised_over(unsigned /*operations*/) { return 1; }
};
static_assert(Machine<SimulatedMachine>);

}  // namespace shadowwalk
