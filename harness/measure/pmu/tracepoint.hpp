#pragma once

#include <string>
#include <variant>

#include "harness/measure/pmu/encoded_event.hpp"
#include "harness/measure/pmu/event_list.hpp"

namespace shadowwalk::pmu {

/// Encodes a tracepoint `system:event` through tracefs, or says why not: tracefs not mounted, not readable, or no such
/// tracepoint, with the command that mends it. Thread-safe.
std::variant<EncodedEvent, Refusal> encode_tracepoint(const std::string& event, const SystemPaths& paths);

}  // namespace shadowwalk::pmu
