#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "harness/machine/backoff.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/sanitizers.hpp"

namespace shadowwalk {

/// kvm->mmu_lock. Taking it with the interrupt gate closed is a broken invariant: its holder may wait for our IPI.
class MmuLock {
 public:
  explicit MmuLock(MmuLockKind kind = MmuLockKind::ticket) : kind_(kind) {}

  void lock() {
    check_irqs_enabled();
    if (kind_ == MmuLockKind::mutex) return lock_mutex();
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    Backoff backoff;
    // acquire pairs with the release in unlock(): the last holder's changes are visible.
    while (serving_.load(std::memory_order_acquire) != ticket) backoff.wait();
  }

  void unlock() {
    if (kind_ == MmuLockKind::mutex) return mutex_.unlock();
    serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// A mutex does not know, and says yes.
  bool contended() const {
    return kind_ == MmuLockKind::mutex ||
           next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1;
  }

 private:
  void lock_mutex() {
#ifdef SHADOWWALK_TSAN
    // ThreadSanitizer holds signals back from a thread that sleeps in pthread_mutex_lock(): a thread that waits for the
    // lock would never acknowledge an IPI from the lock's holder.
    Backoff backoff;
    while (!mutex_.try_lock()) backoff.wait();
#else
    mutex_.lock();
#endif
  }

  const MmuLockKind kind_;
  std::mutex mutex_;
  alignas(64) std::atomic<std::uint32_t> next_{0};
  std::atomic<std::uint32_t> serving_{0};
};

}  // namespace shadowwalk
