#include "harness/host/floors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <thread>

#include "harness/host/guest_mode_vcpus.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/fences.hpp"
#include "harness/machine/kernel_grace_period.hpp"
#include "harness/machine/line_transfer.hpp"

namespace shadowwalk::host {
namespace {

using Clock = std::chrono::steady_clock;

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return nearest_rank(values, 0.5);
}

/// One operation of many back to back: the median of tries, which a preemption spoils one by one.
template <class Operation>
double time_back_to_back(Operation operation) {
  constexpr int kTries = 31;
  constexpr int kOperations = 4096;  // some 20 to 100 us: long against a clock read, short against a time slice
  std::vector<double> tries;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t start = CycleClock::now();
    for (int j = 0; j < kOperations; ++j) operation();
    tries.push_back(CycleClock::to_ns(CycleClock::now() - start) / kOperations);
  }
  return median_of(std::move(tries));
}

double time_signal_ipis(unsigned sender, unsigned target) {
  constexpr std::size_t kMost = 500, kFew = 16;
  constexpr std::chrono::milliseconds kBudget{50}, kPatience{250};
  const GuestModeVcpus targets({target});
  pin_this_thread(sender);
  std::vector<double> trips;
  const auto start = Clock::now();
  const auto is_over = [&] { return Clock::now() - start > (trips.size() < kFew ? kPatience : kBudget); };
  while (trips.size() < kMost && !is_over()) trips.push_back(targets.time_signal_ipi());
  if (trips.size() < kFew) {  // each waited for a time slice, which is no cost of an IPI
    throw CellError(fmt::format("signal IPI: CPUs {} and {} are too busy", sender, target));
  }
  return median_of(std::move(trips));
}

/// Measures on a thread of its own, which may be pinned.
class Measurer {
 public:
  explicit Measurer(Floors& floors) : floors_(floors) {}

  template <class Measure>
  void measure(const char* name, std::optional<double> Floors::*floor, Measure measure_it) {
    try {
      std::exception_ptr failure;
      std::thread([&] {
        try {
          floors_.*floor = measure_it();
        } catch (...) {
          failure = std::current_exception();
        }
      }).join();
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {  // no thread, too
      floors_.unavailable[name] = error.what();
    }
  }

 private:
  Floors& floors_;
};

void measure_grace_periods(Floors& floors) {
  std::string why_not = why_no_kernel_grace_period();
  if (why_not.empty()) {
    try {
      const std::vector<double> lengths = time_grace_periods(wait_for_kernel_grace_period, kGracePeriodsBudget);
      floors.membarrier_global_ns_p50 = nearest_rank(lengths, 0.5);
      floors.membarrier_global_ns_p99 = nearest_rank(lengths, 0.99);
      return;
    } catch (const std::exception& error) {
      why_not = error.what();
    }
  }
  for (const char* name : {"membarrier_global_ns_p50", "membarrier_global_ns_p99"}) floors.unavailable[name] = why_not;
}

}  // namespace

double nearest_rank(const std::vector<double>& sorted, double part) {
  SHADOWWALK_CHECK(!sorted.empty(), "a rank among no values");
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::vector<double> time_grace_periods(const std::function<void()>& wait, std::chrono::nanoseconds budget) {
  std::vector<double> lengths;
  const auto end = Clock::now() + budget;
  do {
    const auto start = Clock::now();
    wait();
    lengths.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  } while (lengths.size() < kMostGracePeriods && Clock::now() < end);
  std::sort(lengths.begin(), lengths.end());
  return lengths;
}

Floors no_floors(const std::string& why) {
  Floors floors;
  for (const FloorName& floor : kFloorNames) floors.unavailable[floor.name] = why;
  return floors;
}

Floors measure_floors(const Placement& placement) {
  CycleClock::calibrate();
  Floors floors;
  Measurer measurer(floors);
  const bool may_pin = why_no_pinning().empty();
  const auto on_first_cpu = [&](auto operation) {
    if (may_pin && placement.cpu_of(0)) pin_this_thread(*placement.cpu_of(0));
    return time_back_to_back(operation);
  };
  measurer.measure("xchg_ns", &Floors::xchg_ns, [&] {
    OwnLine line;
    return on_first_cpu([&line] { line.xchg(); });
  });
#if defined(__x86_64__)
  measurer.measure("mfence_ns", &Floors::mfence_ns, [&] { return on_first_cpu([] { mfence(); }); });
#else
  floors.unavailable["mfence_ns"] = "an instruction of x86-64";
#endif
  if (placement.cpus() < 2 || !placement.cpu_of(0)) {
    floors.unavailable["line_transfer_ns"] = floors.unavailable["signal_ipi_ns"] =
        placement.cpus() < 2 ? "only one CPU" : "nothing is pinned";
  } else {
    const unsigned first = *placement.cpu_of(0), second = *placement.cpu_of(1);
    measurer.measure("line_transfer_ns", &Floors::line_transfer_ns,
                     [&] { return measure_line_transfer(first, second).median_ns; });
    measurer.measure("signal_ipi_ns", &Floors::signal_ipi_ns, [&] { return time_signal_ipis(second, first); });
  }
  measure_grace_periods(floors);
  return floors;
}

}  // namespace shadowwalk::host
