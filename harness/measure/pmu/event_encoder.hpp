#pragma once

#include <string>
#include <variant>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"

namespace shadowwalk::pmu {

/// Encodes one event of `--events` for this machine, or says why not: `pmu/terms/` through sysfs, everything else
/// through libpfm4, and names that libpfm4 does not know as tracepoints if they look like one. Opens nothing.
/// Thread-safe. Refuses what threads that run `code` never do.
std::variant<EncodedEvent, Refusal> encode_event(const std::string& event, const SystemPaths& paths = {},
                                                 CountedCode code = CountedCode::user);

/// All events of `--events`, in its order; no two have the same name.
struct EncodedSelection {
  std::vector<EncodedEvent> events;
  std::vector<Refusal> refused;
};
EncodedSelection encode_selection(const EventSelection& selection, const SystemPaths& paths = {},
                                  CountedCode code = CountedCode::user);

/// Cuts trailing modifiers off (`cycles:uk` -> `uk`). Unit masks have other letters, or are longer.
std::string cut_modifiers(std::string& event);

}  // namespace shadowwalk::pmu
