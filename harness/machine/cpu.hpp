#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <span>
#include <string>

#include "harness/machine/check.hpp"
#include "harness/machine/fences.hpp"
#include "harness/machine/mutant.hpp"
#include "harness/machine/vcpu.hpp"

namespace shadowwalk {

/// A CPU as lockless code sees it: a thread with an interrupt gate and an IPI mailbox. Every thread of a cell that
/// walks, zaps or reclaims is one. The interrupt is a signal. Its handler acknowledges at once if the gate is open;
/// otherwise the opening gate does, as a CPU takes a pending interrupt on local_irq_enable().
///
/// The gate is for the CPU's own thread only. send_ipi() may target any bound Cpu from any thread.
class Cpu {
 public:
  Cpu() = default;
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;
  ~Cpu();

  /// Makes the calling thread this CPU, names it (15 characters at most: perf, top and gdb show it) and readies it
  /// for IPIs and for RCU, whose grace periods then wait for its read-side sections. The thread must call unbind()
  /// before it ends, once no sender can target it any more.
  void bind(const std::string& name);
  void unbind();

  /// The CPU that the calling thread is bound to; null if none.
  static Cpu* current() { return current_; }

  /// local_irq_disable() / local_irq_enable(). They do not nest.
  void irq_disable() {
    gate_closed_.store(true, std::memory_order_relaxed);
    signal_fence();  // the handler must see the closed gate before the section's first access
  }
  void irq_enable() {
    signal_fence();  // the section's last access stays before the open gate, for the handler
    gate_closed_.store(false, std::memory_order_relaxed);
    signal_fence();  // a signal after the store is served by the handler; one before it left `pending_`, read now
    if (pending_.load(std::memory_order_relaxed)) [[unlikely]]
      serve_pending();
  }
  bool irqs_enabled() const { return !gate_closed_.load(std::memory_order_relaxed); }

  static void full_fence() { shadowwalk::full_fence(); }
  static constexpr bool has_bug(Mutant) { return false; }

  pid_t tid() const { return tid_.load(std::memory_order_relaxed); }

  /// Grows whenever the CPU takes an IPI. Own thread only: if the number is unchanged, all that the thread did so far
  /// came before the IPI. Costs one load: the fence keeps the compiler in order, and a thread cannot overtake its own
  /// handler.
  std::uint64_t interrupts_taken() const {
    signal_fence();
    return acknowledged_.load(std::memory_order_relaxed);
  }

  /// Requests numbered and acknowledged so far. (Signals coalesce, numbers do not.)
  std::uint64_t ipis_requested() const { return requested_.load(std::memory_order_relaxed); }
  std::uint64_t ipis_acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }

 protected:
  /// A byte that the *sender* of an IPI sets to 1 before it signals; null: none. It is a vCPU's immediate_exit. If the
  /// handler set it, a signal just before KVM_RUN would be lost.
  std::uint8_t* immediate_exit_ = nullptr;

 private:
  friend void send_ipi(std::span<Cpu* const> targets);
  friend void on_ipi_signal(int);

  void take_ipi();
  void serve_pending();
  void acknowledge();

  static thread_local Cpu* current_;

  // Touched by the own thread and its handler only, except tid_.
  std::atomic<bool> gate_closed_{false};
  std::atomic<bool> pending_{false};
  std::atomic<pid_t> tid_{0};

  // Written by senders / by the own thread: one line each, so that an acknowledgement is one transfer.
  alignas(64) std::atomic<std::uint64_t> requested_{0};
  alignas(64) std::atomic<std::uint64_t> acknowledged_{0};
};

/// Interrupts every target and returns when all have acknowledged, as smp_call_function_many(wait = true) does: each
/// target has left any section that it had entered with its gate closed. The caller's own gate must be open, so that
/// two senders serve each other; a target that is the caller is skipped.
///
/// Ordering: what the caller did before is visible to what each target does after its acknowledgement, and what
/// each target did before is visible to the caller afterwards.
void send_ipi(std::span<Cpu* const> targets);

using Vcpu = BasicVcpu<Cpu, std::atomic>;

/// make_all_cpus_request() of request_all_cpus.hpp for native vCPUs, compiled once.
std::size_t make_all_cpus_request(std::span<Vcpu* const> vcpus, std::uint32_t request_bits);

/// The same for one vCPU.
inline std::size_t make_request(Vcpu& vcpu, std::uint32_t request_bits) {
  Vcpu* one[] = {&vcpu};
  return make_all_cpus_request(one, request_bits);
}

/// Registers the process for expedited private barriers. Call it before threads start: registering later waits for a
/// grace period of every CPU. Returns an empty string, or the reason why the kernel refuses.
std::string register_membarrier();

/// A full barrier on every CPU that runs a thread of this process, by real IPIs (MEMBARRIER_CMD_PRIVATE_EXPEDITED).
/// CPUs that run no thread of this process get none. register_membarrier() must have succeeded.
void membarrier_all();

/// Waits for a latch on a thread that IPIs may target, and lets the thread acknowledge them meanwhile. Under
/// ThreadSanitizer std::latch::wait() would not: it holds signals back from a thread that sleeps there, and the sender
/// would wait for ever.
void wait_interruptibly(const std::latch& latch);

/// The signal that carries IPIs and kicks (SIGURG: its default is to be ignored, so that a late one is harmless).
int ipi_signal();

/// Asserts that the caller may wait for others: with its gate closed, taking mmu_lock or sending an IPI can deadlock.
inline void check_irqs_enabled() {
  const Cpu* cpu = Cpu::current();
  SHADOWWALK_CHECK(cpu == nullptr || cpu->irqs_enabled(), "waiting with the interrupt gate closed would deadlock");
}

}  // namespace shadowwalk
