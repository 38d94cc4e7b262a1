// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/kernel/module/glue.h"
#include "harness/machine/basic_machine.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/ticket_lock.hpp"
#include "harness/machine/vcpu.hpp"

namespace shadowwalk {
namespace kernel {

inline void cpu_relax() { asm volatile("pause" ::: "memory"); }

/// smp_mb() as x86-64 kernels have it (450cbdd0125c).
inline void full_fence() { asm volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc"); }

/// Spins briefly, then lets others run where the caller may.
class Backoff {
 public:
  void wait() {
    if (spins_ < kSpins) {
      ++spins_;
      cpu_relax();
    } else {
      swk_yield();
    }
  }

 private:
  static constexpr unsigned kSpins = 128;
  unsigned spins_ = 0;
};

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

/// The kernel's RCU. A grace period is seen from a call() while none that was seen is under way to the callback of a
/// head that is queued behind the caller's for that.
class Rcu {
 public:
  struct Options {
    GracePeriodObserver* observer = nullptr;  ///< in softirq context or the waiting thread; one call at a time
  };

  explicit Rcu(const Options& options) : options_(options) {}
  /// Every callback has run.
  ~Rcu() { barrier(); }
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  static void read_lock() { swk_rcu_read_lock(); }
  static void read_unlock() { swk_rcu_read_unlock(); }

  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context);
  /// synchronize_rcu_expedited(). Sleeps.
  void synchronize();
  void barrier() { swk_rcu_barrier(); }
  std::uint64_t grace_periods() const { return grace_periods_.load(std::memory_order_relaxed); }

 private:
  void see(std::uint64_t began);

  const Options options_;
  std::atomic<std::uint64_t> grace_periods_{0};
  std::atomic<bool> seeing_{false};
  std::uint64_t began_ = 0;  // of the one that is being seen
  RcuHead probe_;
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

/// The running kernel: vCPUs are bound kthreads, IPIs are smp_call_function_many(), RCU is the kernel's. Made and
/// destroyed between swk_ipis_prepare() and swk_ipis_release().
class KernelMachine : public BasicMachine<KernelMachine, kernel::Vcpu, kernel::Rcu> {
 public:
  template <class T>
  using Atomic = std::atomic<T>;
  using MmuLock = kernel::MmuLock;
  using Backoff = kernel::Backoff;
  using Mutex = kernel::Mutex;
  using RcuHead = kernel::RcuHead;

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
};
static_assert(Machine<KernelMachine>);

}  // namespace shadowwalk
