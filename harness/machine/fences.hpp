#pragma once

#include <atomic>

/// The barriers of the Linux kernel in user space. Each scheme chooses its full fence: xchg, a locked add and mfence
/// order alike and cost very differently (irq-ipi against irq-ipi-2012 shows by how much here).
namespace shadowwalk {

/// smp_mb() as x86-64 kernels have it since 2017 (450cbdd0125c): a locked add below the stack pointer.
/// ThreadSanitizer does not see it: what it orders must also be ordered by operations that ThreadSanitizer sees
/// (each use says which).
inline void full_fence() {
#if defined(__x86_64__)
  asm volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// smp_mb() as x86-64 kernels had it in 2012: mfence.
inline void mfence() {
#if defined(__x86_64__)
  asm volatile("mfence" ::: "memory");
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// smp_mb__before_atomic() / smp_mb__after_atomic(): makes the neighbouring atomic read-modify-write a full barrier.
/// On x86 it is one already, so that only the compiler must not reorder it.
inline void full_fence_beside_atomic() {
#if defined(__x86_64__)
  asm volatile("" ::: "memory");
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// Orders a thread against its own signal handler, at no cost at run time.
inline void signal_fence() { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace shadowwalk
