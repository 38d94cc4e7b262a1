#pragma once

#include <chrono>
#include <string>

#include "harness/attach/tools/question.hpp"

namespace shadowwalk::tools {

/// The process that measures for it now. Between two cells it waits for the next, at most so long. Throws InputError if
/// there is none, or if this user may not look into it.
Target find_target(const std::string& wanted, std::chrono::milliseconds patience = std::chrono::seconds(5));

/// The same of one process, which a run of this id started.
Target target_of(pid_t pid, const std::string& run);

}  // namespace shadowwalk::tools
