#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "harness/trace/event_line.hpp"
#include "harness/trace/fault_folder.hpp"
#include "harness/trace/reorder_window.hpp"

namespace shadowwalk::trace {

/// What became of the lines that are not in the trace.
struct ImportReport {
  std::uint64_t lines = 0;
  std::uint64_t event_lines = 0;      ///< of any system
  std::uint64_t events = 0;           ///< in the trace
  std::uint64_t late = 0;             ///< dropped: they came after the reorder window had passed their time
  std::uint64_t latest_by_ns = 0;     ///< of these, by how much the worst
  std::uint64_t lost = 0;             ///< that the recorder says it lost
  std::uint64_t other_processes = 0;  ///< left out by `process`
  std::uint64_t malformed = 0;        ///< events of a known name whose fields are not as any kernel prints them
  std::uint64_t first_malformed_line = 0;
  std::string first_malformed;                          ///< its name
  std::uint64_t unknown_gfns = 0;                       ///< events whose gfn the recording does not tell
  std::map<std::string, std::uint64_t> unused;          ///< events that have no part in a trace, by system:name
  std::uint64_t unused_more = 0;                        ///< of names beyond the first thousand
  std::map<std::uint32_t, std::uint64_t> vm_processes;  ///< processes that ran vCPUs, if told, and their vCPUs
};

struct ImportOptions {
  /// Only events of this process's threads; 0: all.
  std::uint32_t process = 0;
  /// Events that are held to be put into order.
  std::size_t reorder_window = 1 << 16;
};

/// Makes trace events of the text of `perf script`, `trace-cmd report` or ftrace: gives them to `sink` in order, with
/// times since the first. In bounded memory. `name` stands for the text in errors.
/// Throws InputError if no line tells an event, or a process is asked for and lines do not tell theirs.
ImportReport import_text(LineSource& lines, const std::string& name, const ImportOptions& options,
                         const ReorderWindow::Sink& sink);

}  // namespace shadowwalk::trace
