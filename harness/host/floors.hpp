#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/host/kernel_facts.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::host {

/// A word that has a cache line to itself.
struct alignas(64) OwnLine {
  std::atomic<std::uint32_t> word{0};
  /// A full barrier by xchg, without contention for the line.
  void xchg() { word.exchange(1, std::memory_order_seq_cst); }
};

/// What this host charges for the primitives that schemes are made of, in ns. A ratio from another host compares only
/// beside both hosts' floors. Each is the median of some tries; absent ones have a reason.
struct Floors {
  std::optional<double> xchg_ns;                   ///< OwnLine::xchg(), back to back
  std::optional<double> mfence_ns;                 ///< back to back; x86-64 only
  std::optional<double> line_transfer_ns;          ///< one way between the CPUs of vCPUs 0 and 1 (line_transfer.hpp)
  std::optional<double> signal_ipi_ns;             ///< the lab's IPI, a signal, between the same CPUs and back
  std::optional<double> membarrier_global_ns_p50;  ///< a grace period of the running kernel
  std::optional<double> membarrier_global_ns_p99;  ///< of kMostGracePeriods calls at most: the greatest of so few
  Unavailable unavailable;
};

/// The floors by their names in results.
struct FloorName {
  const char* name;
  std::optional<double> Floors::*floor;
};
inline constexpr FloorName kFloorNames[] = {{"xchg_ns", &Floors::xchg_ns},
                                            {"mfence_ns", &Floors::mfence_ns},
                                            {"line_transfer_ns", &Floors::line_transfer_ns},
                                            {"signal_ipi_ns", &Floors::signal_ipi_ns},
                                            {"membarrier_global_ns_p50", &Floors::membarrier_global_ns_p50},
                                            {"membarrier_global_ns_p99", &Floors::membarrier_global_ns_p99}};

inline constexpr unsigned kMostGracePeriods = 50;
inline constexpr std::chrono::milliseconds kGracePeriodsBudget{400};

/// Measures all of them in about half a second. Starts threads and joins them; the calling thread is not moved.
/// `placement`: where a cell's threads would run. Throws nothing but std::bad_alloc.
Floors measure_floors(const Placement& placement);
/// None of them, for one reason.
Floors no_floors(const std::string& why);

/// Lengths of `wait`'s calls in ns, ascending: kMostGracePeriods of them, or as many as begin within the budget, but
/// one at least.
std::vector<double> time_grace_periods(const std::function<void()>& wait, std::chrono::nanoseconds budget);

/// The least of the sorted values that so large a part of them does not exceed (nearest rank); `values` is not empty.
double nearest_rank(const std::vector<double>& sorted, double part);

}  // namespace shadowwalk::host
