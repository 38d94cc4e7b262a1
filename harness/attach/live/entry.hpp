#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace shadowwalk::live {

/// Now, by the clock of an entry's moments: CLOCK_MONOTONIC, ns.
std::uint64_t now_ns();

/// When the phases of a cell that has begun to run end.
struct Schedule {
  std::uint64_t warmup_end_ns = 0;
  std::uint64_t window_end_ns = 0;
};

/// The cell that a process measures.
struct CellPart {
  std::int64_t id = -1;  ///< in its run's plan; -1 outside of one
  std::string name;
  std::string variant;
  std::string workload;
  bool held = false;                 ///< waits for whoever attaches
  int counters_fd = -1;              ///< the process's descriptor of what it counts meanwhile; -1: it shows none
  std::optional<Schedule> schedule;  ///< once it runs: readers tell the phase by it, and nothing is written meanwhile
};

/// The run that a process conducts, a child process a cell.
struct RunPart {
  std::string directory;
  std::string title;
  std::size_t number = 0;  ///< of the measurement under way, from 1
  std::size_t total = 0;   ///< measurements of the plan
  std::size_t failed = 0;
  std::int64_t cell = 0;  ///< id of the cell under way
  int repetition = 0;
  std::string cell_name;
  std::string variant;
  std::string workload;
  std::uint64_t done_ns = 0;  ///< when the run is expected to be done
};

/// What a process says of itself: one of the two parts.
struct Entry {
  std::uint64_t began_ns = 0;
  std::optional<CellPart> cell;
  std::optional<RunPart> run;
};

/// An entry as the file that it is.
std::string to_text(const Entry& entry);
/// Back; nothing if it is none.
std::optional<Entry> from_text(const std::string& text);

}  // namespace shadowwalk::live
