#include "harness/run/plan_summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "harness/run/progress.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::run {
namespace {

/// Of all cells, or of a group's.
std::chrono::nanoseconds time_of(const Plan& plan, std::string_view group = {}) {
  std::size_t measurements = 0;
  std::chrono::nanoseconds measuring{0};
  for (const PlannedCell& cell : plan.cells) {
    if (!group.empty() && cell.group != group) continue;
    measurements += static_cast<std::size_t>(plan.repetitions);
    measuring += measuring_time(cell.request.config) * plan.repetitions;
  }
  return estimate_remaining(0, {}, {}, measurements, measuring);
}

}  // namespace

std::chrono::nanoseconds expected_time(const Plan& plan) { return time_of(plan); }

std::string size_in_words(const Plan& plan) {
  return fmt::format("{} cells x {} repetitions", plan.cells.size(), plan.repetitions);
}

std::string describe(const Plan& plan) {
  std::string text = fmt::format("{}: {}, about {}\n", plan.title.empty() ? plan.matrix_file : plan.title,
                                 size_in_words(plan), format_duration(expected_time(plan)));
  if (plan.scale) {
    text += fmt::format("vcpus = \"scale\": {} here; {} CPUs at most are reserved for zappers and the reclaimer\n",
                        fmt::join(plan.scale->vcpus, " "), plan.scale->reserved);
  }
  std::vector<std::string> groups;  // in the order of the matrix
  for (const PlannedCell& cell : plan.cells) {
    if (std::ranges::find(groups, cell.group) == groups.end()) groups.push_back(cell.group);
  }
  for (const std::string& group : groups) {
    std::string names;
    int cells = 0;
    for (const PlannedCell& cell : plan.cells) {
      if (cell.group != group) continue;
      ++cells;
      names += fmt::format("  {}\n", cell.name);
    }
    text += fmt::format("\n{}: {} cells x {} repetitions, about {}\n{}", group, cells, plan.repetitions,
                        format_duration(time_of(plan, group)), names);
  }
  return text;
}

}  // namespace shadowwalk::run
