#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/lab/cell_config.hpp"
#include "harness/lab/event_counts.hpp"
#include "harness/lab/grace_period_record.hpp"
#include "harness/lab/host_watch.hpp"
#include "harness/lab/mmu_measurement.hpp"
#include "harness/machine/line_transfer.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/noise.hpp"
#include "harness/mmu/mmu_counts.hpp"
#include "harness/replay/replay_counts.hpp"
#include "harness/trace/trace_event.hpp"

namespace shadowwalk {

struct PreparedCell;

/// What a cell measured of the replay itself.
struct ReplayMeasurement {
  trace::TraceInfo info;  ///< what the trace holds in all
  std::string source;     ///< where it comes from, in words
  replay::Pace pace;
  replay::ReplayCounts counts;     ///< of all threads
  std::uint64_t skipped = 0;       ///< events that are neither access nor zap; the rest in the cell's whole life, too
  std::uint64_t covered_zaps = 0;  ///< zaps of single pages that a zap of everything had included already
  std::uint64_t passes = 0;        ///< how often the trace's end was reached
};

/// What a cell measured, before it is put into words (cell_result.hpp).
struct CellMeasurement {
  std::string workload_summary;  ///< one line: the case from practice that the workload stands for; a trace's is empty
  double duration_s = 0;

  // Walkers
  std::uint64_t walks = 0;
  double walk_ns_total = 0;  ///< whole bursts, less their faults
  Histogram walk_ns;
  Histogram section_ns;
  Histogram fault_ns;
  WalkCounts counts;  ///< of all vCPUs, in the cell's whole life
  std::string first_violation;
  std::uint64_t exits = 0;
  Histogram exit_ns;

  // Zappers
  std::uint64_t zaps = 0;  ///< that ended in the window and found something
  std::uint64_t zaps_empty = 0;
  std::uint64_t zaps_total = 0;       ///< in the cell's whole life, of those that found something
  std::uint64_t zaps_unfinished = 0;  ///< see ZapRecord
  Histogram zap_ns;                   ///< from the intended start
  Histogram zap_service_ns;           ///< from the real one

  // Both
  MmuMeasurement mmu;
  std::uint64_t ipis = 0;
  std::uint64_t ipis_total = 0;  ///< in the cell's whole life
  Histogram ipi_ns;
  double interval_ns = 0;                                       ///< of the footprint's series
  std::uint64_t grace_periods = 0;                              ///< in the cell's whole life; 0 without RCU
  std::optional<GracePeriodRecord::Result> grace_period_times;  ///< none without RCU, or if nothing is clocked

  std::optional<bool> reclaimer_shares_cpu;  ///< with a zapper or a vCPU; none without RCU, or if nothing is pinned

  std::optional<ReplayMeasurement> replay;  ///< only if the workload is a trace
  EventCounts events;
  Noise noise;
  HostChange host;
  std::string perturbed;  ///< the tools that looked into the cell, in words; empty: none
  std::optional<LineTransfer> line_transfer;
  std::string line_transfer_missing;          ///< why
  std::map<std::string, unsigned> placement;  ///< thread name -> CPU
};

/// Runs one cell of the lab's own variants: attaches vCPUs and zappers, warms up, measures, drains. Nothing of it is
/// checked, decided or loaded any more. Blocks for warmup + duration and a little. Throws CellError if the cell cannot
/// go on. One cell at a time in a process.
CellMeasurement run_cell(const PreparedCell& prepared);

}  // namespace shadowwalk
