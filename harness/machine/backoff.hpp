#pragma once

#include <sched.h>

namespace shadowwalk {

inline void cpu_relax() {
#if defined(__x86_64__)
  asm volatile("pause");
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits for another thread: spins briefly, then yields the CPU. Spinning alone costs a whole scheduler tick whenever
/// the awaited thread is not running (1 ms on average with more threads than CPUs).
class Backoff {
 public:
  void wait() {
    if (spins_ < kSpins) {
      ++spins_;
      cpu_relax();
    } else {
      sched_yield();
    }
  }

 private:
  static constexpr unsigned kSpins = 128;
  unsigned spins_ = 0;
};

}  // namespace shadowwalk
