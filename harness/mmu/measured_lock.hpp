// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "harness/machine/machine.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// The owner of a critical section. Zaps hold the lock for as long as their scheme's commit takes; faults, which are
/// hundreds of times as many, hold it for their own work and would hide that.
enum class LockHolder { fault, zap };

/// mmu_lock with the times that the zap and fault paths wait for it and that zaps hold it. (A variant that walks under
/// the lock uses raw(): its walks are not clocked one by one.)
template <class Machine>
class MeasuredMmuLock {
 public:
  MeasuredMmuLock(MmuLockKind kind, const Window& window, Clocks clocks = Clocks::on)
      : lock_(kind), window_(window), clocks_(clocks) {}

  /// Holds the lock for a scope. break_lock() lets others in between, as cond_resched_rwlock_write() does.
  class Guard {
   public:
    Guard(MeasuredMmuLock& lock, LockHolder holder) : lock_(lock), holder_(holder) { acquire(); }
    ~Guard() {
      if (held_) unlock();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    void break_lock() {
      held_before_break_ = held_ticks(lock_.now());
      unlock();
      typename Machine::Backoff{}.wait();
      acquire();
    }
    /// Releases the lock before the scope ends. When that was, of a zap; 0 of a fault, whose time is taken elsewhere.
    std::uint64_t unlock() {
      held_ = false;
      const std::uint64_t now = holder_ == LockHolder::zap ? lock_.now() : 0;
      if (holder_ == LockHolder::zap && lock_.window_.contains(held_since_)) {
        lock_.hold_ns_.record(Machine::to_whole_ns(now - held_since_));
      }
      lock_.lock_.unlock();
      return now;
    }
    bool is_held() const { return held_; }
    /// How long this guard has held the lock until `now`, without its breaks.
    std::uint64_t held_ticks(std::uint64_t now) const { return held_before_break_ + now - held_since_; }

   private:
    void acquire() {
      const std::uint64_t start = lock_.now();
      lock_.lock_.lock();
      held_since_ = lock_.now();
      held_ = true;
      if (lock_.window_.contains(start)) lock_.wait_ns_.record(Machine::to_whole_ns(held_since_ - start));
    }

    MeasuredMmuLock& lock_;
    const LockHolder holder_;
    bool held_ = false;
    std::uint64_t held_since_ = 0;
    std::uint64_t held_before_break_ = 0;
  };

  typename Machine::MmuLock& raw() { return lock_; }
  bool contended() const { return lock_.contended(); }
  /// The clock of everything under the lock. Without clocks: 0, which is before any window.
  std::uint64_t now() const { return clocks_ == Clocks::on ? Machine::now() : 0; }
  /// Both are written under the lock: read them when its users have stopped.
  const Histogram& wait_ns() const { return wait_ns_; }
  const Histogram& hold_ns() const { return hold_ns_; }

 private:
  typename Machine::MmuLock lock_;
  const Window& window_;
  const Clocks clocks_;
  Histogram wait_ns_;
  Histogram hold_ns_;
};

}  // namespace shadowwalk
