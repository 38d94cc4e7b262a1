#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/host_kvm/host_plan.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"

namespace shadowwalk::host_kvm {

/// What a cell on the host's own kernel measured, before it is put into words.
struct HostKvmMeasurement {
  /// What it has in common with the lab's cells: zaps (the host's beats), exits, noise, the host's change, placement.
  CellMeasurement common;

  std::uint64_t touches = 0;        ///< in the window
  double touching_s = 0;            ///< the window as the guest saw it
  Histogram touch_ns[kTouchKinds];  ///< by TouchKind
  Histogram clock_ns;               ///< two clock reads of the guest with nothing between them
  std::string clock_missing;        ///< why touches were not clocked, though asked for
  std::uint64_t lost_slot = 0;      ///< touches in the window that user space served, as the memory slot was away
  std::uint64_t dirty_pages = 0;    ///< found by the rounds of the window
  /// host_kvm_events() of the cell: what its workload's promises are checked against.
  std::map<std::string, std::uint64_t> events;
  /// The greatest of the samples taken in the window, kSampleInterval apart. Empty before Linux 6.1.
  std::optional<std::uint64_t> sec_page_tables_peak;
  static constexpr std::chrono::milliseconds kSampleInterval{50};
};

/// Why the guests' clocks cannot be right; empty: they can. Each of `vcpus` made its touches one after the other in
/// `window_s`, so that no sum of their times can exceed both together.
std::string why_clock_is_wrong(double touching_ns, double window_s, unsigned vcpus);

/// Runs one cell of `plan`: starts vCPUs and the zapper, warms up, measures. Blocks for warmup + duration and a little.
/// Throws InputError if KVM cannot make that many vCPUs, CellError if the cell cannot go on.
HostKvmMeasurement run_host_kvm_cell(const PreparedCell& prepared, const HostPlan& plan);

/// A cell's result as docs/result-format.md defines it: what it has in common with the lab's cells, the guest's
/// touches, and of everything else that it cannot be seen from user space.
CellResult make_host_kvm_result(const CellConfig& config, const HostPlan& plan, const HostKvmMeasurement& cell);

}  // namespace shadowwalk::host_kvm
