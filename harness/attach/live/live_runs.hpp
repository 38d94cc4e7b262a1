#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/process.hpp"

namespace shadowwalk::live {

/// A run in progress, or a cell outside a run.
struct LiveRun {
  std::string id;  ///< `NAME-PID`; NAME: of the run's directory, or `cell` outside a run
  Process process;
  std::uint64_t began_ns = 0;
  std::optional<RunPart> run;
  std::optional<CellPart> cell;                       ///< the current one; nothing between two cells of a run
  Process cell_process;                               ///< that measures it; its number is 0: no cell
  std::map<std::string, std::vector<pid_t>> threads;  ///< of that process, by role

  /// starting (also between two cells), held, warmup, measure or drain.
  std::string phase(std::uint64_t now) const;
  /// Time left of the whole run, or of the cell outside a run; nothing if it is unknown.
  std::optional<std::uint64_t> eta_ns(std::uint64_t now) const;
};

/// The live runs of this user, oldest first. Removes the entries of processes that are gone, also if another process
/// has the same number now. Throws InputError if the runtime directory is refused.
std::vector<LiveRun> live_runs();

/// The run with the id or process number `wanted`; if `wanted` is empty, the only run. Throws an InputError that begins
/// with `verb` and names the live runs.
LiveRun choose_run(std::string_view verb, const std::vector<LiveRun>& runs, const std::string& wanted);

}  // namespace shadowwalk::live
