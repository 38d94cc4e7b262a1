#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/machine/error.hpp"
#include "harness/trace/line_source.hpp"
#include "harness/trace/reorder_window.hpp"

namespace shadowwalk::trace {

/// Two threads of the text that ran a vCPU of the same number, as those of several VMs do.
struct SharedVcpu {
  std::uint32_t vcpu = 0;
  std::uint32_t first_thread = 0;
  std::uint32_t second_thread = 0;
};

/// What the import did with the lines.
struct ImportReport {
  std::uint64_t lines = 0;
  std::uint64_t event_lines = 0;           ///< of any system
  std::uint64_t events = 0;                ///< in the trace
  std::uint64_t backwards = 0;             ///< event lines that are earlier than the one before them
  std::uint64_t late = 0;                  ///< dropped: they arrived after the reorder window had passed their time
  std::uint64_t latest_by_ns = 0;          ///< the greatest such delay
  std::uint64_t lost = 0;                  ///< events that the recorder reports as lost
  std::uint64_t uncounted_losses = 0;      ///< places where it lost events and does not say how many
  std::uint64_t first_uncounted_loss = 0;  ///< line of the first
  std::uint64_t joined_lines = 0;          ///< that continue the line before them
  std::uint64_t cut_lines = 0;             ///< with a part of an event only
  bool in_ticks = false;                   ///< times are counts of a clock that counts no seconds
  std::uint64_t other_processes = 0;       ///< excluded by `process`
  std::uint64_t no_process = 0;            ///< excluded by `process`, as their lines name none
  std::uint64_t shared_bits = 0;           ///< addresses without a confidential guest's shared bit, which they had
  std::uint64_t malformed = 0;             ///< events of a known name whose fields no kernel prints like this
  std::uint64_t first_malformed_line = 0;
  std::string first_malformed;                          ///< its name
  std::uint64_t unknown_gfns = 0;                       ///< events whose gfn is not in the recording
  std::map<std::string, std::uint64_t> unused;          ///< events that have no part in a trace, by system:name
  std::uint64_t unused_more = 0;                        ///< of names beyond the first thousand
  std::map<std::uint32_t, std::uint64_t> vm_processes;  ///< processes that ran vCPUs, if recorded, and their vCPUs
  std::optional<SharedVcpu> shared_vcpu;                ///< the first
  std::uint64_t more_shared_vcpus = 0;                  ///< further threads like its second
  std::optional<std::uint32_t> merged_vcpus;            ///< a thread that ran several vCPUs
  TraceInfo trace;                                      ///< totals of the trace that was written
};

struct ImportOptions {
  /// Only events of this process's threads; 0: all.
  std::uint32_t process = 0;
  /// The number of events that are held to sort them.
  std::size_t reorder_window = 1 << 16;
};

/// A recording that contains no KVM access or zap.
class EmptyRecording : public InputError {
  using InputError::InputError;
};

/// Converts the text of `perf script`, `trace-cmd report` or ftrace to trace events and passes them to `sink` in order,
/// with times since the first. In bounded memory. `name`: the text's name in errors.
/// Throws EmptyRecording if no line is an event. Throws InputError if `process` is set and the lines have no column for
/// it, and if times are ticks in some lines and seconds in others.
ImportReport import_text(LineSource& lines, const std::string& name, const ImportOptions& options,
                         const ReorderWindow::Sink& sink);

}  // namespace shadowwalk::trace
