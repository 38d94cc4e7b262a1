#pragma once

#include <string>

#include "harness/attach/tools/question.hpp"

namespace shadowwalk::tools {

/// The bpftrace program that answers the question of this process by the lab's own probes (docs/probes.md): histograms
/// and counts by thread. Pure. Throws InputError if the role has no part in it.
std::string bpftrace_program(const Question& question, const Target& target);

}  // namespace shadowwalk::tools
