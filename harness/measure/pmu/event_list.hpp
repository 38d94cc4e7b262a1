#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/pmu/microarchitecture.hpp"

namespace shadowwalk::pmu {

/// An event that is not counted, and why; `reason` names the remedy if there is one.
struct Refusal {
  std::string event;
  std::string reason;
};

/// What is wrong with the text of `--events`, in words that also say what would be right; nothing if it is well formed.
/// Pure: does not check whether the events exist.
std::optional<std::string> event_list_error(std::string_view text);

/// What `--events` requests on a CPU.
struct EventSelection {
  std::vector<std::string> events;  ///< as written, sets expanded, each once, in the order of the text
  std::map<std::string, std::string, std::less<>> sets;  ///< the requested set of each event that is in one
  std::vector<Refusal> refused;                          ///< sets that have no events for this CPU
};

/// `cycles,msr/tsc/,kvm:kvm_exit,contention`: events by name, or sets, separated by commas other than those between two
/// slashes. The text must be well formed (event_list_error). Pure.
EventSelection select_events(std::string_view text, Microarchitecture microarchitecture);

/// The name of an event in results: its `name=` term if it has one, otherwise as it was written.
std::string event_label(std::string_view event);

}  // namespace shadowwalk::pmu
