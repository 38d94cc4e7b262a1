#pragma once

#include <string_view>
#include <vector>

namespace shadowwalk {

/// One hardware thread (what the kernel calls a CPU) and where it stands; ranks count from 0 in hwloc's logical order.
struct HardwareThread {
  unsigned cpu;  ///< the kernel's number
  unsigned core;
  unsigned sibling;  ///< rank within its core
  unsigned llc;      ///< last-level cache; the package where no L3 is told
  unsigned package;
  unsigned numa_node;
};

/// Those that the calling thread may run on, in hwloc's order. Throws CellError if hwloc cannot tell.
std::vector<HardwareThread> allowed_hardware_threads();

/// CPU numbers as the kernel writes lists, `0,2-5`, in their order and as often as they are listed. Throws InputError,
/// one line that begins with `option` and the list, for anything else and for CPUs that are not among `threads`;
/// `choices` tells what would have been right.
std::vector<unsigned> parse_cpu_list(std::string_view list, const std::vector<HardwareThread>& threads,
                                     std::string_view option, std::string_view choices);

}  // namespace shadowwalk
