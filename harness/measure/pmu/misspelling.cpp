#include "harness/measure/pmu/misspelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <variant>
#include <vector>

#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::pmu {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower;
  std::ranges::transform(text, std::back_inserter(lower),
                         [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return lower;
}

/// A name in lower case as a user writes it who wrote `event`.
std::string in_case_of(std::string_view event, std::string name) {
  const auto is_lower = [](unsigned char c) { return std::islower(c) != 0; };
  if (std::ranges::any_of(event, is_lower)) return name;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

/// Where debugfs is mounted libpfm4 lists tracepoints, whose names, unlike those of PMUs' events, are in lower case.
bool is_tracepoint(const ListedEvent& event) {
  return event.pmu == "perf" && std::ranges::any_of(event.name, [](unsigned char c) { return std::islower(c) != 0; });
}

/// What can be named on this CPU, in lower case as people write it: libpfm4 ignores case.
const std::vector<std::string>& known_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const std::string_view set : event_set_names()) all.emplace_back(set);
    for (const ListedEvent& event : pfm_events()) {
      if (is_tracepoint(event)) continue;
      all.push_back(lower_case(event.name));
      if (const std::size_t mask = event.name.find(':'); mask != std::string::npos) {
        all.push_back(lower_case(event.name.substr(0, mask)));
      }
    }
    return all;
  }();
  return names;
}

}  // namespace

std::optional<std::string> misspelt_event(std::string_view text) {
  constexpr std::size_t kMostEdits = 2;
  for (std::string event : select_events(text, Microarchitecture::unknown).events) {
    if (event.find('/') != std::string::npos) continue;  // PMUs of sysfs differ from host to host
    cut_modifiers(event);
    if (std::holds_alternative<PfmEncoding>(encode_with_pfm(event))) continue;
    const std::string word = lower_case(event);
    const std::string* meant = nearest(word, known_names(), kMostEdits);
    if (meant == nullptr || *meant == word || pfm_names_anywhere(event)) continue;
    return fmt::format("has '{}', which is no event, did you mean '{}'? `shadowwalk list events` lists what there is",
                       event, in_case_of(event, *meant));
  }
  return std::nullopt;
}

std::string with_suggestion(std::string reason, std::string_view event) {
  const std::string hint = suggestion(lower_case(event), known_names());
  return hint == ";" ? reason : reason + hint;
}

}  // namespace shadowwalk::pmu
