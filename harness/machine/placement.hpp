#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk {

/// One hardware thread (what the kernel calls a CPU) and its place; ranks count from 0 in hwloc's logical order.
struct HardwareThread {
  unsigned cpu;  ///< the kernel's number
  unsigned core;
  unsigned sibling;  ///< rank within its core
  unsigned llc;      ///< last-level cache; the package if no L3 is known
  unsigned package;
  unsigned numa_node;
};

/// The hardware threads that the calling thread may run on, in hwloc's order. Throws CellError if hwloc fails.
std::vector<HardwareThread> allowed_hardware_threads();

/// CPU numbers as the kernel writes lists, `0,2-5`, in their order and as often as they are listed. Throws InputError,
/// one line that begins with `option` and the list, for anything else and for CPUs that are not among `threads`;
/// `choices` says what would be right.
std::vector<unsigned> parse_cpu_list(std::string_view list, const std::vector<HardwareThread>& threads,
                                     std::string_view option, std::string_view choices);

/// What Placement::parse() takes, in words.
inline constexpr char kPlacementChoices[] = "auto, smt, llc, numa, none or a list of CPUs such as 0,2-3";

/// Where a cell's threads run: a list of CPUs, assigned in order (vCPUs first, then zappers, then reclaimers), and from
/// the front again if there are more threads than CPUs.
class Placement {
 public:
  /// `spec` is one of
  ///   auto   one CPU per core, cores of one last-level cache first; then the second hardware threads
  ///   smt    hardware threads of the same core next to each other
  ///   llc    CPUs of one last-level cache only, one per core
  ///   numa   alternating between NUMA nodes
  ///   LIST   CPU numbers as the kernel writes them: 0,2-5
  ///   none   no pinning: the scheduler decides
  /// Only CPUs that this process may run on count. Throws InputError for anything else and for CPUs that do not exist.
  static Placement parse(std::string_view spec);

  /// The CPU of the index-th thread; empty when nothing is pinned.
  std::optional<unsigned> cpu_of(std::size_t index) const;
  /// CPUs that threads can be placed on.
  std::size_t cpus() const { return allowed_; }

 private:
  std::vector<unsigned> order_;
  std::size_t allowed_ = 0;
};

/// Pins the calling thread. Throws CellError if the kernel refuses.
void pin_this_thread(unsigned cpu);

/// Why this process may pin no thread at all (a container's seccomp filter, say); empty: it may.
std::string why_no_pinning();

}  // namespace shadowwalk
