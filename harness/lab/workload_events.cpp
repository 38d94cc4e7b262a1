#include "harness/lab/workload_events.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <variant>
#include <vector>

#include "harness/lab/figures.hpp"

namespace shadowwalk {

std::map<std::string, std::uint64_t> workload_events(const CellMeasurement& cell) {
  const CellConfig any;
  const Measured of{.config = any, .cell = cell};
  std::map<std::string, std::uint64_t> events;
  for (const FigureTopic& topic : figure_topics()) {
    if (topic.name != kWorkloadTopic) continue;
    for (const Figure& figure : topic.figures) {
      if (!figure.name.ends_with("_total")) continue;
      events[std::string(figure.name)] = static_cast<std::uint64_t>(std::get<double>(figure.read(of)));
    }
  }
  return events;
}

void check_required_names(const Workload& workload) {
  const auto events = workload_events({});
  std::vector<std::string> known;
  for (const auto& [name, count] : events) known.push_back(name);
  for (const auto* required : {&workload.guest_requires_events, &workload.host_requires_events}) {
    for (const std::string& name : *required) {
      if (events.contains(name)) continue;
      throw InputError(fmt::format("workload '{}': requires_events holds '{}'; events are: {}", workload.name, name,
                                   fmt::join(known, " ")));
    }
  }
}

void check_required_events(const Workload& workload, const std::map<std::string, std::uint64_t>& events, bool zappers) {
  const auto check = [&](const std::vector<std::string>& required, const char* remedy) {
    for (const std::string& name : required) {
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
