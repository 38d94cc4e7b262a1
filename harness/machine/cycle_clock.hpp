#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace shadowwalk {

/// The lab's clock: the TSC where it is invariant, else CLOCK_MONOTONIC. Ticks of different CPUs compare: the kernel
/// synchronises an invariant TSC, or does not use it as a clocksource.
///
/// The length of a tick is measured against CLOCK_MONOTONIC when it is first needed: by the first conversion, or by
/// calibrate() before. A process that only reads the clock, or does not use it, never measures. Everything is
/// thread-safe.
class CycleClock {
 public:
  /// Ticks since an arbitrary start. The read waits for earlier loads and instructions (lfence), not for stores to
  /// drain; it costs read_cost_ns().
  static std::uint64_t now() {
#if defined(__x86_64__)
    if (uses_tsc_) [[likely]] {
      _mm_lfence();
      return __rdtsc();
    }
#endif
    return monotonic_ns();
  }

  static double to_ns(std::uint64_t ticks) { return static_cast<double>(ticks) * ns_per_tick(); }
  /// to_ns(), as histograms hold it.
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return static_cast<std::uint64_t>(to_ns(ticks)); }
  static std::uint64_t from_ns(double ns) { return static_cast<std::uint64_t>(ns / ns_per_tick()); }

  /// Measures the length of a tick, unless it is known, and returns it in ns. Waits until the process is 10 ms old, as
  /// the measurement needs that long: a cell calls it, or converts, before its threads start.
  static double calibrate();
  static bool is_calibrated() { return ns_per_tick_.load(std::memory_order_relaxed) > 0; }

  /// Median cost of one now(), in ns, measured at the first call.
  static double read_cost_ns();
  /// Whether now() reads the TSC. If not, no clock that is made of it (a guest's) can be trusted either.
  static bool is_tsc() { return uses_tsc_; }
  /// "tsc 2445.4 MHz, invariant" or "clock_gettime: <why not the TSC>".
  static std::string describe();

  static std::uint64_t monotonic_ns() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
  }

 private:
  static double ns_per_tick() {
    // relaxed: the number is all there is.
    const double known = ns_per_tick_.load(std::memory_order_relaxed);
    if (known > 0) [[likely]]
      return known;
    return calibrate();
  }

  static const bool uses_tsc_;              // constant after static initialisation
  static std::atomic<double> ns_per_tick_;  // 0: not measured yet
};

/// Whether `name` is in a list of clocksources as sysfs has it, by its whole name: "tsc-early" and
/// "hyperv_clocksource_tsc_page" are other clocks than "tsc".
bool has_clocksource(const std::string& available, std::string_view name);

}  // namespace shadowwalk
