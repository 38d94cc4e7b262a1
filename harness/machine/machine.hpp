// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/machine/mutant.hpp"
#include "harness/machine/vcpu.hpp"

/// What lockless code may use. Variants, tree, walker and zapper are templates over a Machine: the native one measures
/// them, the simulated one runs them under every schedule, the coherence machine with caches and clocks. None of them
/// knows which. This header and what it includes need no operating system, no exceptions and no strings.
namespace shadowwalk {

enum class MmuLockKind {
  ticket,  ///< fair, as the kernel's spinlock was in 2012; spins briefly, then yields
  mutex,   ///< std::mutex, or the kernel's struct mutex: sleeps
  rwlock,  ///< the kernel's rwlock_t, held for writing, as KVM has it since 2021; user space has none, and refuses it
};

/// The handle of one pending callback, embedded in what it frees (struct rcu_head). A machine whose callbacks another
/// RCU runs has a type of its own, Machine::RcuHead.
struct RcuHead {
  RcuHead* next = nullptr;
  void (*func)(RcuHead*, void* context) = nullptr;
  void* context = nullptr;
};

/// Sees each grace period of RCU after its end: when the wait for it began and when it ended, in ticks of the machine's
/// clock. Called on the thread that waited, before the callbacks that the grace period allows.
struct GracePeriodObserver {
  virtual ~GracePeriodObserver() = default;
  virtual void on_grace_period(std::uint64_t began, std::uint64_t ended) = 0;
};

/// Sees each flush, reload or interrupt() that interrupted a vCPU: how many vCPUs, and the ticks from the first request
/// to the last acknowledgement. Called by the sender.
struct IpiObserver {
  virtual ~IpiObserver() = default;
  virtual void on_ipis(std::size_t sent, std::uint64_t ticks) = 0;
};

/// `Machine::Atomic<T>`: std::atomic's operations with std::atomic's orderings. T is at most 8 bytes and trivially
/// copyable. A machine may order more than it is asked to, never less, but for bugs that were planted.
template <class A, class T>
concept MachineAtomic = std::constructible_from<A, T> &&
    requires(A& atomic, const A& constant, T& expected, T value, std::memory_order order) {
  { constant.load(order) } -> std::same_as<T>;
  atomic.store(value, order);
  { atomic.exchange(value, order) } -> std::same_as<T>;
  { atomic.compare_exchange_strong(expected, value, order, order) } -> std::same_as<bool>;
  { atomic.compare_exchange_strong(expected, value, order) } -> std::same_as<bool>;
  { atomic.compare_exchange_weak(expected, value, order, order) } -> std::same_as<bool>;
};
/// The same of an integer.
template <class A, class T>
concept MachineAtomicInteger = MachineAtomic<A, T> && requires(A& atomic, T value, std::memory_order order) {
  { atomic.fetch_add(value, order) } -> std::same_as<T>;
  { atomic.fetch_sub(value, order) } -> std::same_as<T>;
  { atomic.fetch_or(value, order) } -> std::same_as<T>;
  { atomic.fetch_and(value, order) } -> std::same_as<T>;
};

/// A CPU, which is the base of a vCPU (BasicVcpu).
///
///   current()           the CPU that the caller runs on; null if none
///   full_fence()        as the machine's
///   has_bug()           as the machine's
///   irq_disable()       closes the interrupt gate: no IPI is acknowledged until irq_enable() has opened it, and what
///   irq_enable()        the CPU read and wrote in between comes before that acknowledgement. They do not nest; own
///                       thread only
///   interrupts_taken()  grows whenever the CPU takes an IPI. Own thread only: if the number is unchanged after some
///                       reads, these reads came before the IPI
///   ipis_requested()    IPIs sent to the CPU and acknowledged by it so far
///   ipis_acknowledged()
///   send_ipi(targets)   a free function: interrupts every target and returns when all have acknowledged. What the
///                       caller did before is visible to a target after its acknowledgement, and what a target did
///                       before it is visible to the caller afterwards. The caller's own gate is open
template <class C>
concept MachineCpu = requires(C& cpu, const C& constant, std::span<C* const> targets) {
  { C::current() } -> std::same_as<C*>;
  C::full_fence();
  { C::has_bug(Mutant{}) } -> std::same_as<bool>;
  cpu.irq_disable();
  cpu.irq_enable();
  { constant.irqs_enabled() } -> std::same_as<bool>;
  { constant.interrupts_taken() } -> std::same_as<std::uint64_t>;
  { constant.ipis_requested() } -> std::same_as<std::uint64_t>;
  { constant.ipis_acknowledged() } -> std::same_as<std::uint64_t>;
  send_ipi(targets);
};

/// A vCPU: BasicVcpu (vcpu.hpp) over the machine's CPU and its atomics.
template <class V>
concept MachineVcpu = MachineCpu<typename V::Cpu> && std::derived_from<V, typename V::Cpu> &&
    MachineAtomic<decltype(V::mode), VcpuMode> && requires(V& vcpu, const V& constant, std::uint32_t requests) {
  { vcpu.enter_guest_mode() } -> std::same_as<bool>;
  vcpu.leave_guest_mode();
  { vcpu.post(requests) } -> std::same_as<std::uint32_t>;
  { vcpu.take_requests() } -> std::same_as<std::uint32_t>;
  { constant.has_request(requests) } -> std::same_as<bool>;
};

/// kvm->mmu_lock: unlock() releases, lock() acquires. A caller whose gate is closed must not take it: the lock's holder
/// may wait for that CPU's IPI. contended(): whether another thread waits for the lock (spin_needbreak), which a long
/// zap asks at its lock breaks; true where the lock cannot know.
template <class L>
concept MachineMmuLock = std::constructible_from<L, MmuLockKind> && std::default_initializable<L> &&
    requires(L& lock, const L& constant) {
  lock.lock();
  lock.unlock();
  { constant.contended() } -> std::same_as<bool>;
};

/// RCU. Sections nest; they may be entered on vCPUs and on every thread that the machine knows.
///
///   call(head, func, context)  call_rcu(): func(head, context) runs after a grace period, on the machine's reclaimer
///                              `reclaim-0`. Any thread. What the caller did before is visible to func
///   synchronize()              synchronize_rcu(): returns after a grace period: each section that was open when it
///                              began has ended, with a full barrier on every CPU before and after. Outside a section
///   barrier()                  rcu_barrier(): every callback queued before the call has run
///   grace_periods()            waited for so far
template <class R, class Head>
concept MachineRcu = requires(R& rcu, const R& constant, Head& head, void (*func)(Head*, void*)) {
  typename R::Options;
  R::read_lock();
  R::read_unlock();
  rcu.call(head, func, nullptr);
  rcu.synchronize();
  rcu.barrier();
  { constant.grace_periods() } -> std::same_as<std::uint64_t>;
};

/// Sleepable RCU, which a machine may have beside RCU: Machine::srcu(), one domain, made by its first use as rcu() is.
/// Its sections may sleep; each is ended with what its begin returned. call() and barrier() are RCU's.
template <class S, class Head>
concept MachineSrcu = requires(S& srcu, Head& head, void (*func)(Head*, void*)) {
  srcu.read_unlock(srcu.read_lock());
  srcu.call(head, func, nullptr);
  srcu.barrier();
};
template <class M>
concept HasSrcu = requires(M& machine) {
  { machine.srcu() } -> std::same_as<typename M::Srcu&>;
  requires MachineSrcu<typename M::Srcu, typename M::RcuHead>;
};

/// A machine, made for a number of vCPUs. Everything may be called from any thread unless it says otherwise.
///
///   has_bug(m)                  whether this bug is planted (mutant.hpp); a machine that plants none says so at
///   compile
///                               time
///   full_fence()                smp_mb(): a full barrier
///   mfence()                    a full barrier by the instruction of that name, where that costs other than
///   full_fence() full_fence_beside_atomic()  smp_mb__before_atomic(), smp_mb__after_atomic(): makes the
///   read-modify-write beside it
///                               a full barrier
///   compiler_barrier()          keeps the compiler from reordering and does nothing else: the light half of an
///                               asymmetric fence
///   membarrier_all()            the heavy half: a full barrier on every CPU that runs one of the machine's threads
///   now()                       ticks of the machine's clock. The clocks of two CPUs may differ a little
///   to_whole_ns()               the length of a number of ticks
///   address_of(), at_address()  __pa() and __va(): the address that stands in an SPTE for memory of the page pool
///                               (Reservation in harness/mmu/page_pool.hpp), and back. A part of each walk
///   Mutex                       a lock of slow paths, taken outside of mmu_lock; sleeps
///   vcpus()                     all vCPUs, for as long as the machine lives
///   flush_remote_tlbs()         kvm_flush_remote_tlbs(): every vCPU in guest mode leaves it, every vCPU inside a
///   section
///                               with its gate closed finishes the section. A flush that interrupts no vCPU orders
///                               nothing for the caller's later reads of its own variables: a variant that needs a
///                               barrier writes one
///   request_root_reload()       kvm_reload_remote_mmus(): all vCPUs drop their roots before they enter the guest again
///   interrupt(targets)          interrupts these vCPUs, whatever their mode, and returns when all have acknowledged: a
///                               full barrier on each, as the handler runs. The caller is not among them
///   observe_ipis(observer)      see IpiObserver; before threads start, null: no observer
///   rcu()                       starts with its first use, so that only schemes that need RCU have a reclaimer. Not
///                               thread-safe: call it first in a variant's constructor
///   trace_delay_free_pages(n)   the kernel's tracepoint kvm_mmu_delay_free_pages: a commit found readers and leaves n
///                               pages to RCU
///   retire_threshold(n)         retired pages at which a scheme scans for protected pages, when n pages can be
///                               protected at once. Twice as many as that: each scan then frees at least half of the
///                               pages that it checks
///   amortised_over(n)           how many operations may share one step of work that is spread over n of them
///   Backoff                     waits for another thread: one wait() per failed attempt
template <class M>
concept Machine = std::constructible_from<M, unsigned> &&
                  MachineAtomicInteger<typename M::template Atomic<std::uint64_t>, std::uint64_t> &&
                  MachineAtomicInteger<typename M::template Atomic<std::uint32_t>, std::uint32_t> &&
                  MachineAtomic < typename M::template Atomic<void*>,
void* > &&MachineVcpu<typename M::Vcpu>&& MachineMmuLock<typename M::MmuLock>&&
            MachineRcu<typename M::Rcu, typename M::RcuHead>&& std::default_initializable<typename M::RcuHead>&&
                std::default_initializable<typename M::Backoff>&& requires(M& machine, const M& constant,
                                                                           typename M::Backoff& backoff,
                                                                           std::span<typename M::Vcpu* const> vcpus,
                                                                           std::uint64_t ticks, std::size_t pages) {
  { M::has_bug(Mutant{}) } -> std::same_as<bool>;
  M::full_fence();
  M::mfence();
  M::full_fence_beside_atomic();
  M::compiler_barrier();
  M::membarrier_all();
  { M::now() } -> std::same_as<std::uint64_t>;
  { M::to_whole_ns(ticks) } -> std::same_as<std::uint64_t>;
  { M::address_of(static_cast<const void*>(nullptr)) } -> std::same_as<std::uint64_t>;
  { M::at_address(std::uint64_t{}) } -> std::same_as<void*>;
  requires std::default_initializable<typename M::Mutex>;
  { constant.vcpus() } -> std::same_as<std::span<typename M::Vcpu* const>>;
  machine.flush_remote_tlbs();
  machine.request_root_reload();
  machine.interrupt(vcpus);
  machine.observe_ipis(nullptr);
  { machine.rcu() } -> std::same_as<typename M::Rcu&>;
  M::trace_delay_free_pages(pages);
  { M::retire_threshold(pages) } -> std::same_as<std::size_t>;
  { M::amortised_over(1u) } -> std::same_as<unsigned>;
  backoff.wait();
};

}  // namespace shadowwalk
