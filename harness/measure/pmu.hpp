#pragma once

#include <string>

namespace shadowwalk {

/// Whether hardware events can be counted here: empty if `cycles`, encoded by libpfm4 for this CPU, opens for the
/// calling thread; else the reason in words, with the remedy where there is one.
std::string pmu_unavailable_reason();

}  // namespace shadowwalk
