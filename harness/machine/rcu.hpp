#pragma once

#include "harness/machine/sanitizers.hpp"

// liburcu's memb flavour with its read side inlined, as a kernel's is: a call would cost as much as the section.
// liburcu is LGPL-2.1-or-later and requires code that inlines it to be LGPL-compatible, as Apache-2.0 with source is.
// Not under ThreadSanitizer: it would instrument liburcu's own internals, whose ordering it cannot see.
#if !defined(_LGPL_SOURCE) && !defined(SHADOWWALK_TSAN)
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "harness/machine/cpu.hpp"
#include "harness/machine/machine.hpp"

namespace shadowwalk {

/// RCU: readers and grace periods are liburcu's. Callbacks run on the lab's own thread `reclaim-0`: liburcu's call_rcu
/// worker polls every 10 ms, and the lab would measure that constant instead of grace periods.
class Rcu {
 public:
  struct Options {
    /// Grace periods begin at multiples of this interval after start; 0: as soon as there is a callback.
    std::chrono::nanoseconds interval{0};
    /// Waits for another grace period before each of liburcu's that callbacks wait for: the running kernel's
    /// (wait_for_kernel_grace_period()). On the reclaimer thread; throws nothing. Null: there is none.
    void (*wait_for_other)() = nullptr;
    /// Runs first on the reclaimer thread (placement).
    void (*on_thread_start)(void* context) = nullptr;
    void* context = nullptr;
    GracePeriodObserver* observer = nullptr;  ///< on the reclaimer thread; times are CycleClock's
  };

  explicit Rcu(const Options& options);
  /// Runs every pending callback before it returns.
  ~Rcu();
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  /// Each reading thread registers itself before its first section and unregisters before it ends.
  static void register_reader() { urcu_memb_register_thread(); }
  static void unregister_reader() { urcu_memb_unregister_thread(); }

  static void read_lock() { urcu_memb_read_lock(); }
  static void read_unlock() {
    announce_section_end_to_tsan();
    urcu_memb_read_unlock();
  }

  /// call_rcu(): func(head, context) runs on the reclaimer after a grace period. Any thread, lock-free; wakes the
  /// reclaimer only if it sleeps.
  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context);

  /// rcu_barrier(): returns when every callback queued before the call has run.
  void barrier();

  /// synchronize_rcu_expedited(): returns after a grace period of liburcu's alone. Any thread outside a read-side
  /// section; where there is an observer, one at a time, and none while callbacks are queued.
  void synchronize() { wait_for_grace_period(nullptr); }

  /// Grace periods waited for so far.
  std::uint64_t grace_periods() const { return grace_periods_.load(std::memory_order_relaxed); }

 private:
  void reclaim();
  void wait_for_interval();
  void wait_for_grace_period(void (*wait_for_other)());
  void announce_grace_period_to_tsan();
#ifdef SHADOWWALK_TSAN
  // ThreadSanitizer cannot see into liburcu. This is the one edge that a grace period promises, "every section that
  // began before it is over", and no other.
  static void announce_section_end_to_tsan();
#else
  static void announce_section_end_to_tsan() {}
#endif

  const Options options_;
  alignas(64) std::atomic<RcuHead*> queue_{nullptr};  // newest first
  std::atomic<std::uint64_t> queued_{0};
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<std::uint64_t> run_{0};
  std::atomic<std::uint64_t> begun_{0};  // grace periods
  std::atomic<std::uint64_t> grace_periods_{0};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Cpu cpu_;
  std::thread thread_;
};

}  // namespace shadowwalk
