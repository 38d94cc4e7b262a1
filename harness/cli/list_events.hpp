#pragma once

#include <string>

namespace shadowwalk::cli {

/// `shadowwalk list events`: the sets of `--events` for this CPU, and every event that can be named, each with whether
/// it can be counted here. `pattern` is an ECMAScript regular expression, case ignored, that an event's name or its
/// source (`set contention`, `msr`) must hold; empty: all. Throws InputError if it is malformed or nothing matches.
void list_events(const std::string& pattern, bool as_json);

}  // namespace shadowwalk::cli
