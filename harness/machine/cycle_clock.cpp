#include "harness/machine/cycle_clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace shadowwalk {

bool has_clocksource(const std::string& available, std::string_view name) {
  std::istringstream names(available);
  return std::ranges::count(std::istream_iterator<std::string>(names), std::istream_iterator<std::string>(), name) != 0;
}

namespace {

#if defined(__x86_64__)
const char* why_tsc_cannot_serve() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kInvariantTsc = 1u << 8;  // CPUID 8000_0007h EDX[8]
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0 || (d & kInvariantTsc) == 0) return "TSC not invariant";
  // The kernel watches the TSC against other clocks and drops it when CPUs disagree.
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/available_clocksource");
  std::string sources;
  if (std::getline(file, sources) && !has_clocksource(sources, "tsc")) return "the kernel distrusts the TSC";
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

/// Which clock serves, found at the process's start; if it is the TSC, with a reading of it and of CLOCK_MONOTONIC.
struct Source {
  const char* why_no_tsc = nullptr;  ///< null: the TSC serves
#if defined(__x86_64__)
  ClockPair start{};
#endif
};

const Source& source() {
  static const Source found = [] {
#if defined(__x86_64__)
    const char* const why_not = why_tsc_cannot_serve();
    return Source{why_not, why_not == nullptr ? read_both() : ClockPair{}};
#else
    return Source{"no TSC on this architecture"};
#endif
  }();
  return found;
}

double measure_ns_per_tick() {
#if defined(__x86_64__)
  if (source().why_no_tsc == nullptr) {
    constexpr std::uint64_t kLeastNs = 10'000'000;  // both ends within ~50 ns: an error of 1e-5
    const ClockPair& start = source().start;
    while (CycleClock::monotonic_ns() - start.ns < kLeastNs) {
    }
    const ClockPair end = read_both();
    return static_cast<double>(end.ns - start.ns) / static_cast<double>(end.tsc - start.tsc);
  }
#endif
  return 1.0;
}

}  // namespace

const bool CycleClock::uses_tsc_ = source().why_no_tsc == nullptr;
constinit std::atomic<double> CycleClock::ns_per_tick_{0};

double CycleClock::calibrate() {
  static const double measured = measure_ns_per_tick();  // once, and all other callers wait for it
  ns_per_tick_.store(measured, std::memory_order_relaxed);
  return measured;
}

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
  if (uses_tsc_) return fmt::format("tsc {:.1f} MHz, invariant", 1e3 / ns_per_tick());
  return fmt::format("clock_gettime: {}", source().why_no_tsc);
}

}  // namespace shadowwalk
