#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/attach/live/live_runs.hpp"

namespace shadowwalk::live {

/// The run of this id, or of this process; with an empty `wanted`, the only one there is. Throws InputError that begins
/// with `verb` and names what there is.
LiveRun choose_run(std::string_view verb, const std::vector<LiveRun>& runs, const std::string& wanted);

}  // namespace shadowwalk::live
