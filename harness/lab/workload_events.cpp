#include "harness/lab/workload_events.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace shadowwalk {

std::map<std::string, std::uint64_t> workload_events(const WalkCounts& walks, const HostActionCounts& host,
                                                     std::uint64_t zaps) {
  return {{"zaps_total", zaps},
          {"leaves_zapped_total", host.leaves_zapped},
          {"leaves_write_protected_total", host.leaves_write_protected},
          {"made_writable_total", walks.made_writable},
          {"dirty_rounds_total", host.dirty_rounds},
          {"shrinks_total", host.shrinks},
          {"shrinks_unfinished_total", host.shrinks_unfinished},
          {"page_table_writes_total", walks.page_table_writes},
          {"flood_zaps_total", walks.flood_zaps},
          {"quota_zaps_total", walks.quota_zaps},
          {"walker_stalls_total", walks.stalls}};
}

void check_promised_names(const Workload& workload) {
  const auto events = workload_events({}, {}, 0);
  std::vector<std::string> known;
  for (const auto& [name, count] : events) known.push_back(name);
  for (const auto* promised : {&workload.guest_requires_events, &workload.host_requires_events}) {
    for (const std::string& name : *promised) {
      if (events.contains(name)) continue;
      throw InputError(fmt::format("workload '{}': requires_events holds '{}'; events are: {}", workload.name, name,
                                   fmt::join(known, " ")));
    }
  }
}

void check_promises(const Workload& workload, const std::map<std::string, std::uint64_t>& events, bool zappers) {
  const auto check = [&](const std::vector<std::string>& promised, const char* remedy) {
    for (const std::string& name : promised) {
      const auto event = events.find(name);
      if (event != events.end() && event->second == 0) {
        throw ExpectedEventMissing(
            fmt::format("workload '{}' is about {}, and there was none: {}", workload.name, name, remedy));
      }
    }
  };
  check(workload.guest_requires_events, "give it a longer --duration");
  if (zappers) check(workload.host_requires_events, "give it a longer --duration or a higher --zap-rate");
}

}  // namespace shadowwalk
