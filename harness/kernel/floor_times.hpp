#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/kernel/device.hpp"

/// What the running kernel's own primitives and the variants' read-side sections in it cost (SHADOWWALK_IOC_FLOOR).
namespace shadowwalk::kernel {

/// CPU numbers in the order in which vCPUs take them (`--placement auto`).
std::vector<unsigned> cpus_for_floors();

/// On how many of `most` CPUs a row is timed: its least, the powers of two, and all; none if it needs more.
std::vector<unsigned> cpu_counts(const shadowwalk_floor& row, unsigned most);

/// One operation, on one CPU.
struct FloorTime {
  double ns = 0;
  std::optional<double> cycles;  ///< of the TSC; nothing: the kernel's clock is another
};
/// `floor` was timed.
FloorTime time_of_one(const shadowwalk_floor& floor);

/// Every row on its numbers of CPUs, as a table with a line each: name, CPUs, ns, cycles. Takes some seconds.
/// `untimed`: why its times mean nothing; then each row runs as well, and shows no time. Throws as Device does, and
/// CellError if a row did not do what it was asked to.
std::string floor_table(const Device& device, const std::string& untimed);

}  // namespace shadowwalk::kernel
