#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/process.hpp"

namespace shadowwalk::live {

/// A run that goes on, or a cell outside of one.
struct LiveRun {
  std::string id;  ///< `NAME-PID`: of the run's directory; `cell` outside of a run
  Process process;
  std::uint64_t began_ns = 0;
  std::optional<RunPart> run;
  std::optional<CellPart> cell;                       ///< under way; nothing between two cells of a run
  pid_t cell_pid = 0;                                 ///< the process that measures it; 0 without
  std::map<std::string, std::vector<pid_t>> threads;  ///< of that process, by role

  /// starting (between two cells, too), held, warmup, measure or drain.
  std::string phase(std::uint64_t now) const;
  /// Of the whole run, of the cell alone outside of one; nothing if it is not known.
  std::optional<std::uint64_t> eta_ns(std::uint64_t now) const;
};

/// The runs of this user that are alive, the oldest first. Takes away the entries of processes that are gone, whose
/// number another may have by now. Throws InputError if the directory is refused.
std::vector<LiveRun> live_runs();

}  // namespace shadowwalk::live
