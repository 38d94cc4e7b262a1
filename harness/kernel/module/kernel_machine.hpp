// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "harness/kernel/module/glue.h"
#include "harness/machine/backoff.hpp"
#include "harness/machine/basic_machine.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/ticket_lock.hpp"
#include "harness/machine/vcpu.hpp"

namespace shadowwalk {
namespace kernel {

/// smp_mb() as x86-64 kernels have it (450cbdd0125c).
inline void full_fence() { asm volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc"); }

/// Waits with preemption off, as a spinlock's waiter.
struct SpinBackoff {
  static void wait() { cpu_relax(); }
};

/// A CPU as lockless code sees it: a thread of the cell. A vCPU's thread is bound to one CPU of the kernel's, whose
/// interrupt flag is its gate and which takes its IPIs.
class Cpu {
 public:
  Cpu() = default;
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  /// Makes the calling thread this CPU, on the kernel's CPU `number`.
  void bind(unsigned number) {
    number_ = number;
    swk_set_self(this);
  }
  static Cpu* current() { return static_cast<Cpu*>(swk_self()); }
  unsigned number() const { return number_; }

  /// local_irq_disable() and local_irq_enable(), as walk_shadow_page_lockless_begin() and _end() have them.
  static void irq_disable() { asm volatile("cli" ::: "memory"); }
  static void irq_enable() { asm volatile("sti" ::: "memory"); }
  static bool irqs_enabled() {
    constexpr std::uint64_t kInterruptFlag = 1u << 9;
    std::uint64_t flags;
    asm volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return (flags & kInterruptFlag) != 0;
  }

  static void full_fence() { kernel::full_fence(); }
  static constexpr bool has_bug(Mutant) { return false; }

  /// Own thread only: the handler runs on the same CPU, so that the compiler's order is all there is to keep.
  std::uint64_t interrupts_taken() const {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return acknowledged_.load(std::memory_order_relaxed);
  }
  std::uint64_t ipis_requested() const { return requested_.load(std::memory_order_relaxed); }
  std::uint64_t ipis_acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }

  /// In the IPI's handler, interrupts off, on this CPU: no two of these run at once.
  void take_ipi() { acknowledged_.store(acknowledged_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  void note_request() { requested_.fetch_add(1, std::memory_order_relaxed); }

 protected:
  std::uint8_t* immediate_exit_ = nullptr;  // no guest of the kernel's needs a kick

 private:
  unsigned number_ = 0;
  alignas(64) std::atomic<std::uint64_t> requested_{0};
  alignas(64) std::atomic<std::uint64_t> acknowledged_{0};
};

/// smp_call_function_many(wait = true): each target's CPU has run the handler, so that what it did with interrupts off
/// before is over. `targets` are an IpiTargets'.
inline void send_ipi(std::span<Cpu* const> targets) {
  for (Cpu* const target : targets) {
    target->note_request();
    swk_ipi_add_cpu(target->number());
  }
  swk_ipi_send(reinterpret_cast<void**>(const_cast<Cpu**>(targets.data())), targets.size());
}

using Vcpu = BasicVcpu<Cpu, std::atomic>;

/// kvm->mmu_lock.
class MmuLock {
 public:
  explicit MmuLock(MmuLockKind kind = MmuLockKind::ticket) : kind_(kind) {
    if (kind == MmuLockKind::mutex) {
      swk_mutex_init(&memory_.mutex, 1);
    } else {
      swk_rwlock_init(&memory_.rwlock);
    }
  }

  void lock() {
    switch (kind_) {
      case MmuLockKind::ticket:
        swk_preempt_disable();
        return ticket_.lock();
      case MmuLockKind::mutex:
        return swk_mutex_lock(&memory_.mutex);
      case MmuLockKind::rwlock:
        return swk_write_lock(&memory_.rwlock);
    }
  }
  void unlock() {
    switch (kind_) {
      case MmuLockKind::ticket:
        ticket_.unlock();
        return swk_preempt_enable();
      case MmuLockKind::mutex:
        return swk_mutex_unlock(&memory_.mutex);
      case MmuLockKind::rwlock:
        return swk_write_unlock(&memory_.rwlock);
    }
  }
  /// As cond_resched_rwlock_write() asks: whether a zap should let others in. A mutex does not know, and says yes.
  bool contended() const {
    if (kind_ == MmuLockKind::mutex || swk_need_resched() != 0) return true;
    if (kind_ == MmuLockKind::ticket) return ticket_.contended();
    return swk_rwlock_is_contended(const_cast<swk_rwlock*>(&memory_.rwlock)) != 0;
  }

 private:
  const MmuLockKind kind_;
  union alignas(64) {
    swk_mutex mutex;
    swk_rwlock rwlock;
  } memory_{};
  TicketLock<SpinBackoff> ticket_;
};

/// struct mutex, for slow paths.
class Mutex {
 public:
  Mutex() { swk_mutex_init(&mutex_, 0); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() { swk_mutex_lock(&mutex_); }
  void unlock() { swk_mutex_unlock(&mutex_); }

 private:
  swk_mutex mutex_{};
};

/// struct rcu_head with the callback's context.
struct RcuHead {
  swk_rcu_head head{};
  void (*func)(RcuHead*, void*) = nullptr;
  void* context = nullptr;
};

struct RcuOptions {
  GracePeriodObserver* observer = nullptr;  ///< in a callback's context or the waiting thread; one call at a time
};

/// Sees the grace periods of RCU or SRCU: each from a call, while none that was seen is under way, to the callback of a
/// head that is queued behind the caller's for that.
class GracePeriods {
 public:
  explicit GracePeriods(const RcuOptions& options) : observer_(options.observer) {}

  /// `queue(swk_rcu_head&)` is call_rcu() or call_srcu().
  template <class Queue>
  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context, Queue queue) {
    head.func = func;
    head.context = context;
    queue(head.head);
    // acquire pairs with the release in see(): the probe's last callback is over.
    if (observer_ == nullptr || seeing_.exchange(true, std::memory_order_acquire)) return;
    began_ = now();
    probe_.func = [](RcuHead*, void* self) {
      static_cast<GracePeriods*>(self)->see(static_cast<GracePeriods*>(self)->began_);
    };
    probe_.context = this;
    queue(probe_.head);
  }
  /// One that began at `began` is over.
  void see(std::uint64_t began);
  static std::uint64_t now();
  std::uint64_t seen() const { return seen_.load(std::memory_order_relaxed); }

 private:
  GracePeriodObserver* const observer_;
  std::atomic<std::uint64_t> seen_{0};
  std::atomic<bool> seeing_{false};
  std::uint64_t began_ = 0;  // of the one that is being seen
  RcuHead probe_;
};

/// The kernel's RCU.
class Rcu {
 public:
  using Options = RcuOptions;

  explicit Rcu(const Options& options) : grace_periods_(options) {}
  /// Every callback has run.
  ~Rcu() { barrier(); }
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  static void read_lock() { swk_rcu_read_lock(); }
  static void read_unlock() { swk_rcu_read_unlock(); }

  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context) {
    grace_periods_.call(head, func, context, [](swk_rcu_head& queued) { swk_call_rcu(&queued); });
  }
  /// synchronize_rcu_expedited(). Sleeps.
  void synchronize() {
    const std::uint64_t began = GracePeriods::now();
    swk_synchronize_rcu_expedited();
    grace_periods_.see(began);
  }
  static void barrier() { swk_rcu_barrier(); }
  std::uint64_t grace_periods() const { return grace_periods_.seen(); }

 private:
  GracePeriods grace_periods_;
};

/// A domain of the kernel's SRCU.
class Srcu {
 public:
  Srcu(const RcuOptions& options, bool fast) : domain_(swk_srcu_create(fast ? 1 : 0)), grace_periods_(options) {}
  /// Every callback has run.
  ~Srcu() { swk_srcu_free(domain_); }
  Srcu(const Srcu&) = delete;
  Srcu& operator=(const Srcu&) = delete;

  /// False: the kernel refused its memory, and it must not be used.
  bool has_memory() const { return domain_ != nullptr; }
  int read_lock() { return swk_srcu_read_lock(domain_); }
  void read_unlock(int set) { swk_srcu_read_unlock(domain_, set); }
  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context) {
    grace_periods_.call(head, func, context, [this](swk_rcu_head& queued) { swk_call_srcu(domain_, &queued); });
  }
  void barrier() { swk_srcu_barrier(domain_); }
  std::uint64_t grace_periods() const { return grace_periods_.seen(); }

 protected:
  swk_srcu* const domain_;

 private:
  GracePeriods grace_periods_;
};

/// One whose sections are srcu_read_lock_fast()'s.
class SrcuFast : public Srcu {
 public:
  using Srcu::Srcu;
  void* read_lock() { return swk_srcu_read_lock_fast(domain_); }
  void read_unlock(void* section) { swk_srcu_read_unlock_fast(domain_, section); }
};

}  // namespace kernel

/// The CPUs that one sender interrupts, in memory that each CPU has for that: preemption is off meanwhile.
template <>
class IpiTargets<kernel::Cpu> {
 public:
  explicit IpiTargets(std::size_t /*most*/) : cpus_(reinterpret_cast<kernel::Cpu**>(swk_ipi_begin())) {}
  ~IpiTargets() { swk_ipi_end(); }
  IpiTargets(const IpiTargets&) = delete;
  IpiTargets& operator=(const IpiTargets&) = delete;

  void add(kernel::Cpu& cpu) { cpus_[count_++] = &cpu; }
  std::span<kernel::Cpu* const> span() const { return {cpus_, count_}; }

 private:
  kernel::Cpu** const cpus_;
  std::size_t count_ = 0;
};

/// The running kernel: vCPUs are bound kthreads, IPIs are smp_call_function_many(), RCU and SRCU are the kernel's. Made
/// and destroyed between swk_ipis_prepare() and swk_ipis_release().
class KernelMachine : public BasicMachine<KernelMachine, kernel::Vcpu, kernel::Rcu> {
 public:
  template <class T>
  using Atomic = std::atomic<T>;
  using MmuLock = kernel::MmuLock;
  using Backoff = BasicBackoff<swk_yield>;
  using Mutex = kernel::Mutex;
  using RcuHead = kernel::RcuHead;
  using Srcu = kernel::Srcu;
  using SrcuFast = kernel::SrcuFast;

  static constexpr bool has_bug(Mutant) { return false; }
  static void full_fence() { kernel::full_fence(); }
  static void mfence() { asm volatile("mfence" ::: "memory"); }
  static void full_fence_beside_atomic() { asm volatile("" ::: "memory"); }
  static void compiler_barrier() { asm volatile("" ::: "memory"); }
  static void membarrier_all() { swk_membarrier(); }

  /// The TSC where the kernel trusts it, else ktime_get_ns().
  static std::uint64_t now() {
    if (swk_clock.uses_tsc != 0) [[likely]] {
      std::uint32_t low;
      std::uint32_t high;
      asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
      return std::uint64_t{high} << 32 | low;
    }
    return swk_ktime_ns();
  }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(static_cast<Wide>(ticks) * swk_clock.ns_per_tick_32 >> 32);
  }
  /// For times of up to 580 years of ns.
  static std::uint64_t from_ns(std::uint64_t ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    return ns / kSecond * swk_clock.ticks_per_second + ns % kSecond * swk_clock.ticks_per_second / kSecond;
  }

  static std::uint64_t address_of(const void* memory) {
    return reinterpret_cast<std::uintptr_t>(memory) - swk_table_base;
  }
  static void* at_address(std::uint64_t address) { return reinterpret_cast<void*>(address + swk_table_base); }

  explicit KernelMachine(unsigned vcpus) : BasicMachine(vcpus) {}

  Srcu& srcu() { return srcu(false); }
  SrcuFast& srcu_fast() { return srcu(true); }
  /// False: what a variant has asked for was refused.
  bool has_memory() const { return !srcu_ || srcu_->has_memory(); }
  /// Of RCU or of SRCU: no variant has both.
  bool has_grace_periods() const { return has_rcu() || srcu_; }
  std::uint64_t grace_periods() const { return srcu_ ? srcu_->grace_periods() : BasicMachine::grace_periods(); }

 private:
  SrcuFast& srcu(bool fast) {
    if (!srcu_) srcu_.emplace(rcu_options(), fast);
    return *srcu_;
  }

  std::optional<SrcuFast> srcu_;  // of one kind: a cell has one variant
};
static_assert(Machine<KernelMachine> && HasSrcu<KernelMachine>);

}  // namespace shadowwalk
