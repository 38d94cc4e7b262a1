#pragma once

#include <optional>
#include <string>

#include "harness/measure/pmu/encoded_event.hpp"

namespace shadowwalk::pmu {

/// What of the machine explains why perf_event_open refused.
struct OpenFacts {
  bool has_core_pmu = false;
  std::optional<int> paranoid;  ///< kernel.perf_event_paranoid; nothing if it cannot be read
};

OpenFacts open_facts(const SystemPaths& paths = {});

/// The paranoid level at which anyone may open the event: 2 for user code alone, 1 for what counts the kernel too.
int paranoid_needed(const EncodedEvent& event);

/// perf_event_open's errno in words, with the command that mends it where one does. Pure.
std::string explain_open_failure(int error, const EncodedEvent& event, const OpenFacts& facts);

}  // namespace shadowwalk::pmu
