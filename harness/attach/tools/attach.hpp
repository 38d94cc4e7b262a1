#pragma once

#include <string>

#include "harness/attach/tools/compose.hpp"

namespace shadowwalk::tools {

/// Runs the command for the question's time, or until the cell is over, and marks the cell as perturbed meanwhile.
/// Prints on stderr what it runs. Returns false if the tool failed, which has printed why. Throws InputError before
/// anything starts.
bool attach_for_a_time(const Question& question, const Target& target, const HostCan& can);

/// Waits for the next measured window of the run or cell, lets the cell switch perf on for exactly that window, and
/// prints how to read the recording. Throws as above, and CellError if there is no further window, or if perf was not
/// on over all of it.
bool attach_to_next_window(Question question, const std::string& wanted, const HostCan& can);

}  // namespace shadowwalk::tools
