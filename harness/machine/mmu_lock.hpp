#pragma once

#include <mutex>

#include "harness/machine/backoff.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/sanitizers.hpp"
#include "harness/machine/ticket_lock.hpp"

namespace shadowwalk {

/// kvm->mmu_lock. Taking it with the interrupt gate closed is a broken invariant: its holder may wait for our IPI.
class MmuLock {
 public:
  explicit MmuLock(MmuLockKind kind = MmuLockKind::ticket) : kind_(kind) {
    SHADOWWALK_CHECK(kind != MmuLockKind::rwlock, "rwlock_t is the kernel's alone: a cell that asks for it is refused");
  }

  void lock() {
    check_irqs_enabled();
    if (kind_ == MmuLockKind::mutex) return lock_mutex();
    ticket_.lock();
  }

  void unlock() {
    if (kind_ == MmuLockKind::mutex) return mutex_.unlock();
    ticket_.unlock();
  }

  /// A mutex does not know, and says yes.
  bool contended() const { return kind_ == MmuLockKind::mutex || ticket_.contended(); }

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
  TicketLock<Backoff> ticket_;
};

}  // namespace shadowwalk
