#include "harness/measure/pmu/event_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "harness/measure/pmu/event_sets.hpp"

namespace shadowwalk::pmu {
namespace {

constexpr std::size_t kLongestText = 4096;
constexpr std::string_view kExample = "such as cycles,instructions,msr/tsc/,kvm:kvm_exit";

/// Splits at the commas that are not between two slashes.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> items;
  bool in_slashes = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') in_slashes = !in_slashes;
    if (text[i] != ',' || in_slashes) continue;
    items.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  items.push_back(text.substr(begin));
  return items;
}

/// The characters in names of libpfm4, perf and tracepoints.
bool is_event_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_-.:=@~/,").find(c) != std::string_view::npos;
}

std::optional<std::string> item_error(std::string_view item) {
  if (item.empty()) return fmt::format("has an empty event; it must be names {}", kExample);
  const auto wrong = std::find_if_not(item.begin(), item.end(), is_event_character);
  if (wrong != item.end()) {
    const bool printable = std::isprint(static_cast<unsigned char>(*wrong)) != 0;
    return fmt::format("has {} in an event; it must be names {}",
                       printable ? fmt::format("'{}'", *wrong) : "a control character", kExample);
  }
  const auto slashes = std::count(item.begin(), item.end(), '/');
  if (slashes == 1) return fmt::format("has '{}' with one '/'; a PMU's event is PMU/TERMS/, such as msr/tsc/", item);
  if (slashes > 2) return fmt::format("has '{}' with {} '/'; a PMU's event is PMU/TERMS/", item, slashes);
  if (item.front() == '/') return fmt::format("has '{}' without a PMU before the '/'", item);
  if (std::isalnum(static_cast<unsigned char>(item.front())) == 0 && item.front() != '_') {
    return fmt::format("has '{}', which does not begin like an event; it must be names {}", item, kExample);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> event_list_error(std::string_view text) {
  if (text.empty()) {
    return fmt::format("is empty; it must be events {}, or sets: {}", kExample, fmt::join(event_set_names(), " "));
  }
  if (text.size() > kLongestText) return fmt::format("is longer than {} characters", kLongestText);
  for (const std::string_view item : split(text)) {
    if (auto error = item_error(item)) return error;
  }
  return std::nullopt;
}

EventSelection select_events(std::string_view text, Microarchitecture microarchitecture) {
  EventSelection selection;
  const auto add = [&](std::string_view event) {
    if (std::find(selection.events.begin(), selection.events.end(), event) == selection.events.end()) {
      selection.events.emplace_back(event);
    }
  };
  for (const std::string_view item : split(text)) {
    if (!is_event_set(item)) {
      add(item);
      continue;
    }
    const std::vector<EventRow> rows = event_set(item, microarchitecture);
    for (const EventRow& row : rows) {
      add(row.event);
      selection.sets.emplace(row.event, item);  // the first of several sets
    }
    if (rows.empty()) {
      selection.refused.push_back(
          {std::string(item),
           fmt::format("no events for this are known on this CPU ({}); `shadowwalk list events` lists "
                       "what there is",
                       to_string(microarchitecture))});
    }
  }
  return selection;
}

std::string event_label(std::string_view event) {
  constexpr std::string_view kName = "name=";
  const std::size_t slash = event.find('/');
  if (slash == std::string_view::npos) return std::string(event);
  for (std::size_t begin = slash + 1; begin < event.size();) {
    const std::size_t end = std::min(event.find_first_of(",/", begin), event.size());
    const std::string_view term = event.substr(begin, end - begin);
    if (term.starts_with(kName) && term.size() > kName.size()) return std::string(term.substr(kName.size()));
    begin = end + 1;
  }
  return std::string(event);
}

void apply_privileges(EncodedEvent& event, std::string_view modifiers, CountedCode code) {
  const auto has = [&](char letter) { return modifiers.find(letter) != std::string_view::npos; };
  const bool filters = event.kind == EventKind::core || event.kind == EventKind::software;
  perf_event_attr& attributes = event.attributes;
  attributes.exclude_user = attributes.exclude_kernel = attributes.exclude_hv = 0;
  attributes.exclude_guest = attributes.exclude_host = 0;
  if (has('u') || has('k') || has('h')) {
    attributes.exclude_user = has('u') ? 0 : 1;
    attributes.exclude_kernel = has('k') ? 0 : 1;
    attributes.exclude_hv = has('h') ? 0 : 1;
  } else if (filters) {
    attributes.exclude_user = code == CountedCode::kernel ? 1 : 0;
    attributes.exclude_kernel = code == CountedCode::user ? 1 : 0;
    attributes.exclude_hv = 1;
  }
  // Only a core's PMU keeps counting while a guest runs, whose instructions are not walks.
  if (has('G') || has('H')) {
    attributes.exclude_guest = has('G') ? 0 : 1;
    attributes.exclude_host = has('H') ? 0 : 1;
  } else if (event.kind == EventKind::core) {
    attributes.exclude_guest = 1;
  }
}

std::string privileges(const perf_event_attr& attributes) {
  std::string levels;
  if (attributes.exclude_user || attributes.exclude_kernel || attributes.exclude_hv) {
    if (!attributes.exclude_user) levels += 'u';
    if (!attributes.exclude_kernel) levels += 'k';
    if (!attributes.exclude_hv) levels += 'h';
  }
  if (attributes.exclude_host && !attributes.exclude_guest) levels += 'G';
  return levels;
}

}  // namespace shadowwalk::pmu
