#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/attach/tools/host_can.hpp"
#include "harness/attach/tools/question.hpp"

namespace shadowwalk::tools {

/// The bpftrace program that answers the question of this process by the lab's own probes (docs/probes.md): histograms
/// and counts by thread. Pure. Throws InputError if the role has no part in it.
std::string bpftrace_program(const Question& question, const Target& target);

/// What bpftrace prints as a line of its own when all of its probes are in place.
inline constexpr std::string_view kAttached = "attached";

/// A command line that answers a question.
struct Command {
  /// Program and arguments; the program is found on PATH. A command that is only printed ends by itself when its time
  /// is over; any other command must be interrupted by the process that runs it.
  std::vector<std::string> words;
  std::string mark;                ///< its short name in the result of the cell that it perturbs
  std::string output;              ///< the file that it writes; empty: it prints to stdout
  std::string read_by;             ///< the command that reads the file
  std::vector<std::string> notes;  ///< what differs from what a user may expect
};

/// Pure. Throws InputError if the host cannot do it, or the run has nothing to observe: what is missing, and what
/// repairs it or comes closest.
Command compose(const Question& question, const Target& target, const HostCan& can);

/// A filter of a tracepoint (Documentation/trace/events.rst, 5.1) that passes the events of which one of `fields` is
/// one of `tids`, in at most the 4,095 bytes that the kernel takes: tids in a row become a range, and where there are
/// too many, ranges that are near each other become one, with the threads between them. Pure.
std::string tracepoint_filter(const std::vector<std::string>& fields, std::vector<pid_t> tids);

}  // namespace shadowwalk::tools
