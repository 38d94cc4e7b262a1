#pragma once

#include <cstdint>
#include <deque>

#include "harness/coherence/atomic.hpp"
#include "harness/coherence/cpu.hpp"
#include "harness/coherence/rcu.hpp"
#include "harness/machine/basic_machine.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/machine.hpp"

namespace shadowwalk {
namespace coherence {

/// kvm->mmu_lock as a ticket lock. The waiters' reads are not simulated one by one: when the lock is handed over, all
/// waiters fetch the line again, and the next holder is served after half of them on average (Boyd-Wickizer et al.,
/// Non-scalable locks are dangerous, OLS 2012).
class MmuLock {
 public:
  explicit MmuLock(MmuLockKind = MmuLockKind::ticket) {}

  void lock() {
    SHADOWWALK_CHECK(Cpu::current() == nullptr || Cpu::current()->irqs_enabled(),
                     "mmu_lock is taken with the interrupt gate closed");
    next_.fetch_add(1, std::memory_order_relaxed);
    Processor* const cpu = Processor::running();
    if (!held_) {
      held_ = true;
      serving_.load(std::memory_order_acquire);
      return;
    }
    SHADOWWALK_CHECK(cpu != nullptr, "mmu_lock is still held after its holders have ended");
    waiting_.push_back(cpu);
    while (holder_ != cpu) cpu->block();
  }

  void unlock() {
    serving_.store(serving_.peek() + 1, std::memory_order_release);
    holder_ = nullptr;
    if (waiting_.empty()) {
      held_ = false;
      return;
    }
    const auto others = static_cast<Picoseconds>(waiting_.size() - 1);
    holder_ = waiting_.front();
    waiting_.pop_front();
    const Processor* const cpu = Processor::running();
    const Topology& topology = holder_->execution().topology();
    holder_->wake(cpu->now() + topology.transfer_between(cpu->number(), holder_->number()) +
                  others * topology.line_service / 2);
  }

  bool contended() const { return !waiting_.empty(); }

 private:
  alignas(64) Atomic<std::uint32_t> next_{0};
  Atomic<std::uint32_t> serving_{0};
  bool held_ = false;
  Processor* holder_ = nullptr;  // if it had to wait
  std::deque<Processor*> waiting_;
};

using Vcpu = BasicVcpu<Cpu, Atomic>;

}  // namespace coherence

/// The simulated machine with caches and clocks, on the CPUs of the current coherence::Execution. Variants, tree,
/// walker and zapper run on it unchanged, and take as long as the topology says that lines, locked operations and IPIs
/// take.
class CoherentMachine : public BasicMachine<CoherentMachine, coherence::Vcpu, coherence::Rcu> {
 public:
  template <class T>
  using Atomic = coherence::Atomic<T>;
  using MmuLock = coherence::MmuLock;
  struct Backoff {
    static void wait() {
      constexpr coherence::Picoseconds kWait = 100'000;
      if (coherence::Processor* const cpu = coherence::Processor::running()) cpu->sleep_until(cpu->now() + kWait);
    }
  };

  static constexpr bool has_bug(Mutant) { return false; }
  static void full_fence() { coherence::Cpu::full_fence(); }
  static void mfence() {
    if (coherence::Processor* const cpu = coherence::Processor::running()) cpu->fence();
  }
  static void full_fence_beside_atomic() {}  // the atomic operation is a full barrier
  static void compiler_barrier() {}          // takes no time
  static void membarrier_all() { coherence::membarrier_all(); }

  /// Picoseconds of the running CPU's time.
  static std::uint64_t now() { return static_cast<std::uint64_t>(coherence::Execution::current().now()); }
  static double to_ns(std::uint64_t ticks) { return static_cast<double>(ticks) / 1e3; }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return (ticks + 500) / 1000; }

  /// vCPU i is the execution's CPU i.
  explicit CoherentMachine(unsigned vcpus) : BasicMachine(vcpus) {
    for (unsigned i = 0; i < vcpus; ++i) this->vcpus()[i]->bind(i);
  }
};
static_assert(Machine<CoherentMachine>);

}  // namespace shadowwalk
