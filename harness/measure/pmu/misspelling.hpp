#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/measure/pmu/event_list.hpp"

namespace shadowwalk::pmu {

/// What is wrong with an event of the text of `--events`, which is well formed, if it is misspelt: no CPU has an event
/// or set of that name, but here is one that is at most two edits from it. A tracepoint or a PMU of sysfs that is not
/// here may be on another host, and a name near none may be that of a CPU that libpfm4 does not know: these are refused
/// when they are encoded, and the rest is counted.
std::optional<std::string> misspelt_event(std::string_view text);

/// The reason of a refusal, with the event that the name is most similar to, if there is one.
std::string with_suggestion(std::string reason, std::string_view event);

}  // namespace shadowwalk::pmu
