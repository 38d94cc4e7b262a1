#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "harness/attach/live/runtime_directory.hpp"

namespace shadowwalk::live {

/// Now, in ns of CLOCK_MONOTONIC, the clock of all times in entries.
std::uint64_t now_ns();

/// When the phases of a running cell end.
struct Schedule {
  std::uint64_t warmup_end_ns = 0;
  std::uint64_t window_end_ns = 0;
};

/// The cell that a process measures.
struct CellPart {
  std::int64_t id = -1;  ///< in its run's plan; -1 outside a run
  std::string name;
  std::string variant;
  std::string workload;
  bool held = false;     ///< the cell waits until a user lets it continue (--hold)
  int counters_fd = -1;  ///< the process's descriptor of its live counters; -1: it has none
  std::optional<Schedule>
      schedule;  ///< once it runs; readers derive the phase from it, so that nothing is written while it runs
};

/// The run that a process conducts, with one child process per cell.
struct RunPart {
  std::string directory;
  std::string title;
  std::size_t number = 0;  ///< of the current measurement, from 1
  std::size_t total = 0;   ///< measurements of the plan
  std::size_t failed = 0;
  std::int64_t cell = 0;  ///< id of the current cell
  int repetition = 0;
  std::string cell_name;
  std::string variant;
  std::string workload;
  std::uint64_t done_ns = 0;  ///< when the run is expected to be done
};

/// What a process publishes about itself: one of the two parts.
struct Entry {
  std::uint64_t began_ns = 0;
  std::optional<CellPart> cell;
  std::optional<RunPart> run;
};

/// The content of an entry's file.
std::string to_text(const Entry& entry);
/// The inverse of to_text(), with texts that a terminal may show; nothing if the text is no entry.
std::optional<Entry> from_text(const std::string& text);

/// Lists this process among the live runs while the object exists. It never fails: if the process cannot be listed,
/// `warn` receives the reason once, in one line, and the run continues unlisted. One object at a time per process.
class Registration {
 public:
  using Warn = std::function<void(const std::string& why)>;
  explicit Registration(Warn warn);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  /// Removes the entry. After kill -9 it stays, and the next reader removes it because its process is gone.
  ~Registration();

  /// Writes the entry. It takes this thread some 50 us: do not call it during a measured window.
  void update(const Entry& entry);

 private:
  void give_up(const std::string& why);

  const Warn warn_;
  std::optional<RuntimeDirectory> directory_;
  const std::string name_;
};

}  // namespace shadowwalk::live
