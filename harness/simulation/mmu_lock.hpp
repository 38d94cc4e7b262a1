#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "harness/machine/mmu_lock.hpp"
#include "harness/simulation/atomic.hpp"
#include "harness/simulation/cpu.hpp"

namespace shadowwalk::simulation {

/// kvm->mmu_lock as a ticket lock. Its release is a plain store, which waits in the store buffer as any other.
class MmuLock {
 public:
  explicit MmuLock(MmuLockKind = MmuLockKind::ticket) { set_name("mmu_lock"); }
  /// What stories call it.
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

}  // namespace shadowwalk::simulation
