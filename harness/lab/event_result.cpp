#include "harness/lab/event_result.hpp"

#include <string_view>

namespace shadowwalk {
namespace {

using nlohmann::json;

struct Ratio {
  std::string_view role;
  const char* suffix;
  std::uint64_t units;
  const char* none;
};

json to_json(const EventCount& count) {
  json entry = {{"event", count.event},           {"encoded", count.encoded},       {"role", count.role},
                {"scope", count.scope},           {"group", count.group},           {"count", count.count},
                {"enabled_ns", count.enabled_ns}, {"running_ns", count.running_ns}, {"multiplexed", count.multiplexed}};
  if (!count.set.empty()) entry["set"] = count.set;
  if (!count.unit.empty()) entry["unit"] = count.unit;
  return entry;
}

}  // namespace

void record_events(ResultRecorder& out, CellResult& result, const CellMeasurement& cell) {
  for (const pmu::Refusal& refusal : cell.events.refused) {
    out.unavailable(refusal.event, refusal.reason);
    result.details["events_refused"].push_back(refusal.event);
  }
  if (cell.events.counts.empty()) return;
  const Ratio ratios[] = {{kWalkers.name, "_per_walk", cell.walks, "no walk in the window"},
                          {kZappers.name, "_per_zap", cell.zaps, "no zap found a page in the window"}};
  json& list = result.details["pmu"] = json::array();
  for (const EventCount& count : cell.events.counts) {
    list.push_back(to_json(count));
    for (const Ratio& ratio : ratios) {
      if (count.role != ratio.role) continue;
      const std::string name = count.event + ratio.suffix;
      if (ratio.units == 0) {
        out.unavailable(name, ratio.none);
      } else {
        out.set(name, count.count / static_cast<double>(ratio.units));
      }
    }
  }
}

}  // namespace shadowwalk
