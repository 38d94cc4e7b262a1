#pragma once

#include <cstddef>
#include <optional>
#include <span>
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

/// The CPUs of a cell's threads.
struct DealtCpus {
  /// In the order in which vCPUs take them, and from the front again if there are more; empty: nothing is pinned.
  std::vector<unsigned> vcpus;
  std::vector<unsigned> zappers;  ///< one per zapper; empty: nothing is pinned
  std::optional<unsigned> reclaimer;
};

/// How many vCPUs get a core each (a hardware thread each with `smt`, a CPU each of a list) beside the threads that
/// CPUs are reserved for: of vCPU 0's last-level cache, of its package, of all. At least 1.
struct VcpuRoom {
  unsigned llc = 1;
  unsigned package = 1;
  unsigned all = 1;
  friend bool operator==(const VcpuRoom&, const VcpuRoom&) = default;
};

/// Where a cell's threads run. Zappers and the reclaimer have the last cores of vCPU 0's package, whatever the number
/// of vCPUs, so that their distance from vCPU 0 does not change with it; vCPUs have the others, from the first on.
class Placement {
 public:
  /// `spec` is one of
  ///   auto   one CPU per core, cores of one last-level cache first; then the second hardware threads
  ///   smt    hardware threads of the same core next to each other
  ///   llc    CPUs of one last-level cache only, one per core
  ///   numa   alternating between NUMA nodes
  ///   LIST   CPU numbers as the kernel writes them: 0,2-5; zappers have the last, the reclaimer the one before
  ///   none   no pinning: the scheduler decides
  /// Only CPUs that this process may run on count. Throws InputError for anything else and for CPUs that do not exist.
  static Placement parse(std::string_view spec) { return parse(spec, allowed_hardware_threads()); }
  /// The same where `threads` are all that the process may run on.
  static Placement parse(std::string_view spec, std::vector<HardwareThread> threads);

  /// The index-th CPU, and from the front again if there are fewer; empty when nothing is pinned.
  std::optional<unsigned> cpu_of(std::size_t index) const;
  /// CPUs that threads can be placed on.
  std::size_t cpus() const { return distinct_; }

  /// Deals CPUs to zappers first, then to the reclaimer, then to vCPUs, which need `vcpu_cpus` CPUs. Zappers share
  /// CPUs where there are too few, but leave one to vCPUs if there are two. Where vCPUs would leave the reclaimer no
  /// CPU, it has the first zapper's; where they leave zappers none, the last vCPUs have the zappers'.
  DealtCpus deal(std::size_t vcpu_cpus, std::size_t zappers) const;
  /// The room for vCPUs beside `reserved` threads.
  VcpuRoom room_beside(std::size_t reserved) const;

 private:
  void reserve_from(std::vector<HardwareThread> candidates);

  bool pins_ = true;
  std::vector<HardwareThread> order_;    ///< as threads take them; of a list, as often as a CPU is listed
  std::vector<HardwareThread> reserve_;  ///< all CPUs but vCPU 0's: as they are taken away from vCPUs
  std::size_t distinct_ = 0;
  enum class RoomIsOf { cores, threads, listed_cpus } room_is_of_ = RoomIsOf::cores;
};

/// Lets the calling thread run on these CPUs alone, which are one or more. Throws CellError if the kernel refuses.
void pin_this_thread(std::span<const unsigned> cpus);
inline void pin_this_thread(unsigned cpu) { pin_this_thread({&cpu, 1}); }

/// Why this process may pin no thread at all (a container's seccomp filter, say); empty: it may.
std::string why_no_pinning();

}  // namespace shadowwalk
