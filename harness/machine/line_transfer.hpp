#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace shadowwalk {

/// What moving one cache line from one CPU to another costs, in ns, one way.
struct LineTransfer {
  double median_ns = 0;
  double q1_ns = 0;  ///< the quartiles tell how much it varied from batch to batch
  double q3_ns = 0;
  std::size_t batches = 0;  ///< timed batches of round trips that these stand on; at least 1
};

/// Enough for hundreds of batches between CPUs that are idle otherwise.
inline constexpr std::chrono::nanoseconds kLineTransferBudget = std::chrono::milliseconds(5);

/// Two threads of its own, pinned to the two CPUs, hand one line to and fro by compare-and-swap: each hand-over is one
/// read-for-ownership that finds the line modified in the other's cache, as a contended atomic add pays it. (Spinning
/// on loads and then storing would pay for two: the line, then the upgrade.) Meant for CPUs that are otherwise idle:
/// other threads on them show in the quartiles first.
///
/// A virtual machine's CPUs are moved about by the host: two calls may measure two different pairs of cores.
///
/// Takes `budget` and the threads' start. Where the CPUs are so busy that only a few batches end in time, it goes on
/// for one second at most. Does not move or pin the calling thread; several calls may run at once (on other CPUs).
/// Throws InputError if the CPUs are one, CellError if a CPU cannot be pinned or no batch ended.
LineTransfer measure_line_transfer(unsigned cpu_a, unsigned cpu_b,
                                   std::chrono::nanoseconds budget = kLineTransferBudget);

/// The arithmetic of it: quartiles (linear between ranks) of batches that took `batch_ns` for `round_trips` each. Not
/// empty.
LineTransfer summarize_batches(std::vector<double> batch_ns, unsigned round_trips);

}  // namespace shadowwalk
