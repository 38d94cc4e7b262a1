#pragma once

#include <string>
#include <vector>

#include "harness/attach/tools/host_can.hpp"
#include "harness/attach/tools/question.hpp"

namespace shadowwalk::tools {

/// A command that answers a question.
struct Command {
  /// As a shell would run it: it finds the programs on PATH. One that is only printed ends by itself when its time is
  /// over; any other is interrupted by whoever runs it.
  std::vector<std::string> words;
  std::string mark;                ///< in short, for the result of the cell that it perturbs
  std::string output;              ///< the file that it writes; empty: it prints
  std::string read_by;             ///< how to read the file
  std::vector<std::string> notes;  ///< what is other than one may expect
};

/// Pure. Throws InputError where the host cannot do it, or the run has nothing of it: what is missing, and what mends
/// it or comes nearest.
Command compose(const Question& question, const Target& target, const HostCan& can);

}  // namespace shadowwalk::tools
