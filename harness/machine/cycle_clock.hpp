#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace shadowwalk {

/// The lab's clock: the TSC where it is invariant (calibrated once against CLOCK_MONOTONIC), else CLOCK_MONOTONIC.
/// Ticks of different CPUs compare: an invariant TSC is synchronised by the kernel or not used as clocksource.
class CycleClock {
 public:
  /// Ticks since an arbitrary start. The read waits for earlier loads and instructions (lfence), not for stores to
  /// drain; it costs read_cost_ns().
  static std::uint64_t now() {
#if defined(__x86_64__)
    if (calibration_.uses_tsc) [[likely]] {
      _mm_lfence();
      return __rdtsc();
    }
#endif
    return monotonic_ns();
  }

  static double to_ns(std::uint64_t ticks) { return static_cast<double>(ticks) * calibration_.ns_per_tick; }
  /// to_ns(), as histograms hold it.
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return static_cast<std::uint64_t>(to_ns(ticks)); }
  static std::uint64_t from_ns(double ns) { return static_cast<std::uint64_t>(ns / calibration_.ns_per_tick); }

  /// Median cost of one now(), in ns, measured at the first call.
  static double read_cost_ns();
  /// "tsc 2445.4 MHz, invariant" or "clock_gettime: <why not the TSC>".
  static std::string describe();

  static std::uint64_t monotonic_ns() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
  }

  /// What calibration found; constant after static initialisation.
  struct Calibration {
    bool uses_tsc = false;
    double ns_per_tick = 1.0;
    const char* why_no_tsc = "";
  };

 private:
  static const Calibration calibration_;
};

}  // namespace shadowwalk
