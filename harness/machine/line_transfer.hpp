#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace shadowwalk {

/// The cost of moving one cache line from one CPU to another, in ns, one way.
struct LineTransfer {
  double median_ns = 0;
  double q1_ns = 0;  ///< the quartiles show how much it varied from batch to batch
  double q3_ns = 0;
  std::size_t batches = 0;  ///< timed batches of round trips behind these figures; at least 1
};

/// Enough for hundreds of batches between CPUs that are idle otherwise.
inline constexpr std::chrono::nanoseconds kLineTransferBudget = std::chrono::milliseconds(5);

/// Two threads, pinned to the two CPUs, pass one line back and forth by compare-and-swap: each pass is one
/// read-for-ownership that finds the line modified in the other's cache, as for a contended atomic add. (Spinning
/// on loads and then storing would pay for two: the line, then the upgrade.) Meant for CPUs that are otherwise idle:
/// other threads on them show first in the quartiles.
///
/// The host moves a virtual machine's CPUs: two calls may measure two different pairs of cores.
///
/// Takes `budget` and the start of two threads. If the CPUs are so busy that only a few batches end in time, it
/// continues for one second at most. Does not move or pin the calling thread; several calls may run at once (on other
/// CPUs). Throws InputError if both CPUs are the same, CellError if a CPU cannot be pinned or no batch ended.
LineTransfer measure_line_transfer(unsigned cpu_a, unsigned cpu_b,
                                   std::chrono::nanoseconds budget = kLineTransferBudget);

/// The arithmetic: quartiles (linear between ranks) of batches that took `batch_ns` for `round_trips` each. `batch_ns`
/// is not empty.
LineTransfer summarize_batches(std::vector<double> batch_ns, unsigned round_trips);

}  // namespace shadowwalk
