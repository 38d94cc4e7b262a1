#include "harness/machine/cycle_clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace shadowwalk {
namespace {

#if defined(__x86_64__)
const char* why_tsc_cannot_serve() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kInvariantTsc = 1u << 8;  // CPUID 8000_0007h EDX[8]
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0 || (d & kInvariantTsc) == 0) return "TSC not invariant";
  // The kernel watches the TSC against other clocks and drops it when CPUs disagree.
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/available_clocksource");
  std::string sources;
  if (std::getline(file, sources) && sources.find("tsc") == std::string::npos) return "the kernel distrusts the TSC";
  return nullptr;
}

struct ClockPair {
  std::uint64_t tsc;
  std::uint64_t ns;
};

/// Both clocks at one moment: the tightest of several tries, so that a preemption in between does not count.
ClockPair read_both() {
  ClockPair best{};
  std::uint64_t narrowest = ~0ull;
  for (int i = 0; i < 16; ++i) {
    const std::uint64_t before = __rdtsc();
    const std::uint64_t ns = CycleClock::monotonic_ns();
    const std::uint64_t after = __rdtsc();
    if (after - before < narrowest) {
      narrowest = after - before;
      best = {before + (after - before) / 2, ns};
    }
  }
  return best;
}
#endif

CycleClock::Calibration calibrate() {
#if defined(__x86_64__)
  if (const char* why = why_tsc_cannot_serve()) return {false, 1.0, why};
  constexpr std::uint64_t kCalibrationNs = 10'000'000;  // both ends within ~50 ns: an error of 1e-5
  const ClockPair start = read_both();
  while (CycleClock::monotonic_ns() - start.ns < kCalibrationNs) {
  }
  const ClockPair end = read_both();
  return {true, static_cast<double>(end.ns - start.ns) / static_cast<double>(end.tsc - start.tsc), ""};
#else
  return {false, 1.0, "no TSC on this architecture"};
#endif
}

}  // namespace

const CycleClock::Calibration CycleClock::calibration_ = calibrate();

double CycleClock::read_cost_ns() {
  static const double cost = [] {
    constexpr int kReads = 1000;
    std::array<double, 15> runs;
    for (double& run : runs) {
      const std::uint64_t start = now();
      for (int i = 0; i < kReads; ++i) static_cast<void>(now());
      run = to_ns(now() - start) / (kReads + 1);
    }
    std::nth_element(runs.begin(), runs.begin() + runs.size() / 2, runs.end());
    return runs[runs.size() / 2];
  }();
  return cost;
}

std::string CycleClock::describe() {
  if (calibration_.uses_tsc) return fmt::format("tsc {:.1f} MHz, invariant", 1e3 / calibration_.ns_per_tick);
  return fmt::format("clock_gettime: {}", calibration_.why_no_tsc);
}

}  // namespace shadowwalk
