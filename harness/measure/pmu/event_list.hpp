#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/pmu/microarchitecture.hpp"

namespace shadowwalk::pmu {

/// An event that is not counted, and why; `reason` says what mends it where something does.
struct Refusal {
  std::string event;
  std::string reason;
};

/// What is wrong with the text of `--events`, in words that also say what would be right; nothing if it is well formed.
/// Pure: whether the events exist is not asked.
std::optional<std::string> event_list_error(std::string_view text);

/// What `--events` asks for on a CPU.
struct EventSelection {
  std::vector<std::string> events;  ///< as written, sets expanded, each once, in the order of the text
  std::map<std::string, std::string, std::less<>> sets;  ///< of the events that are in one that was asked for: which
  std::vector<Refusal> refused;                          ///< sets that have nothing for this CPU
};

/// `cycles,msr/tsc/,kvm:kvm_exit,contention`: events by name or sets, separated by commas, those between `/` and `/`
/// apart. The text must be well formed (event_list_error). Pure.
EventSelection select_events(std::string_view text, Microarchitecture microarchitecture);

/// What an event is called in results: its `name=` term if it has one, else as it was written.
std::string event_label(std::string_view event);

}  // namespace shadowwalk::pmu
