// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
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

/// Waits for another thread: spins briefly, then calls `yield`, which lets others run. Spinning alone costs a whole
/// scheduler tick whenever the awaited thread is not running (1 ms on average with more threads than CPUs).
template <auto yield>
class BasicBackoff {
 public:
  void wait() {
    if (spins_ < kSpins) {
      ++spins_;
      cpu_relax();
    } else {
      yield();
    }
  }

 private:
  static constexpr unsigned kSpins = 128;
  unsigned spins_ = 0;
};

using Backoff = BasicBackoff<sched_yield>;

}  // namespace shadowwalk
