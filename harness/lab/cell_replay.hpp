#pragma once

#include <cstdint>
#include <string>

#include "harness/lab/cell_config.hpp"
#include "harness/replay/replay_counts.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/trace/trace_event.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

struct VariantEntry;

/// What a cell measured of the replay itself.
struct ReplayMeasurement {
  trace::TraceInfo info;  ///< what the trace holds in all
  std::string source;     ///< where it comes from, in words
  replay::Pace pace;
  replay::ReplayCounts counts;    ///< of all threads
  std::uint64_t skipped = 0;      ///< events that are neither access nor zap; the rest in the cell's whole life, too
  std::uint64_t of_zap_alls = 0;  ///< zaps of single pages that a zap of everything had told already
  std::uint64_t passes = 0;       ///< how often the trace's end was reached
};

/// Whether the cell's workload is a trace.
bool replays(const CellConfig& config);

/// The zappers that a trace wants: one for what host threads did, if they did anything.
unsigned zappers_of(const trace::TraceInfo& info);

/// Checks a cell whose workload is a trace: the file's frame, and all that it does not go with. Throws InputError.
void check_replay(const CellConfig& config, const VariantEntry& variant);

/// A trace as the workload that cells know: a name, and nothing else. The guest's part and the host's are the trace's.
Workload trace_workload(const CellConfig& config);

/// The trace's guest, for a cell that check_replay() let pass.
replay::TraceGuest::Config trace_guest_config(const CellConfig& config, bool cpus_are_short);

/// Throws ExpectedEventMissing if the window saw no access: it measured nothing.
void require_accesses(const CellConfig& config, std::uint64_t walks);

}  // namespace shadowwalk
