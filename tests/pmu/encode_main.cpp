// Says on stdout what the room makes of events, in a process of its own: libpfm4 reads LIBPFM_FORCE_PMU only once.
//   pmu_encode EVENT...     one line each: `EVENT|ok|type|config|config1|encoded` or `EVENT|refused|reason`
//   pmu_encode --set SET    the same for the rows of a set on the CPU that libpfm4 detects or is told to assume
//   pmu_encode --core       `name|microarchitecture`
#include <fmt/format.h>

#include <string>
#include <vector>

#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/pfm.hpp"

namespace pmu = shadowwalk::pmu;

int main(int argc, char** argv) {
  std::vector<std::string> events(argv + 1, argv + argc);
  if (events.size() == 1 && events[0] == "--core") {
    const auto core = pmu::core_pmu();
    fmt::print("{}|{}\n", core ? core->name : "none", pmu::to_string(pmu::this_microarchitecture()));
    return 0;
  }
  if (events.size() == 2 && events[0] == "--set") {
    const auto rows = pmu::event_set(events[1], pmu::this_microarchitecture());
    events.clear();
    for (const pmu::EventRow& row : rows) events.emplace_back(row.event);
  }
  for (const std::string& event : events) {
    const auto result = pmu::encode_event(event);
    if (const auto* encoded = std::get_if<pmu::EncodedEvent>(&result)) {
      fmt::print("{}|ok|{}|{:#x}|{:#x}|{}\n", event, encoded->attributes.type, encoded->attributes.config,
                 encoded->attributes.config1, encoded->encoded);
    } else {
      fmt::print("{}|refused|{}\n", event, std::get<pmu::Refusal>(result).reason);
    }
  }
}
