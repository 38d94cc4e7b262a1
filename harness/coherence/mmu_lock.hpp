#pragma once

#include <cstdint>
#include <deque>

#include "harness/coherence/atomic.hpp"
#include "harness/coherence/cpu.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/mmu_lock.hpp"

namespace shadowwalk::coherence {

/// kvm->mmu_lock as a ticket lock. Those who wait are not simulated read by read: when the lock is handed over, all of
/// them fetch the line again, and the next holder is served after half of them on average (Boyd-Wickizer et al.,
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
  Processor* holder_ = nullptr;  // of those that had to wait
  std::deque<Processor*> waiting_;
};

}  // namespace shadowwalk::coherence
