#include "harness/measure/pmu/encoded_event.hpp"

namespace shadowwalk::pmu {

void apply_privileges(EncodedEvent& event, std::string_view modifiers) {
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
    attributes.exclude_kernel = attributes.exclude_hv = 1;
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
