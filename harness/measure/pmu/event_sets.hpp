#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "harness/measure/pmu/microarchitecture.hpp"

namespace shadowwalk::pmu {

/// One event of a set: what it counts, and what a reader might wrongly think that it counts.
struct EventRow {
  std::string_view set;  ///< `default`, `contention`, `cache`, `tlb` or `branch`
  std::uint32_t on;      ///< bits of Microarchitecture; 0: any CPU that has no row of its own in this set
  std::string_view event;
  std::string_view counts;
  std::string_view caveat;  ///< what it does *not* count, or also counts
};

/// The whole table (event_sets.cpp): the only place that names vendors' events.
std::span<const EventRow> event_table();

std::span<const std::string_view> event_set_names();
bool is_event_set(std::string_view name);

/// The rows of a set for a CPU, in the table's order; empty if no event of that CPU is known to measure it.
std::vector<EventRow> event_set(std::string_view set, Microarchitecture microarchitecture);

}  // namespace shadowwalk::pmu
