#include "harness/measure/pmu/event_catalog.hpp"

#include <fmt/format.h>

#include "harness/measure/pmu/availability.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/measure/pmu/sysfs_pmu.hpp"

namespace shadowwalk::pmu {

std::vector<CatalogEntry> event_catalog(const std::function<bool(std::string_view, std::string_view)>& wanted,
                                        const SystemPaths& paths) {
  std::vector<CatalogEntry> catalog;
  const auto add = [&](CatalogEntry entry) {
    if (!wanted(entry.name, entry.source)) return;
    entry.unavailable = cannot_count(entry.name, paths);
    catalog.push_back(std::move(entry));
  };
  const Microarchitecture cpu = this_microarchitecture();
  for (const std::string_view set : event_set_names()) {
    for (const EventRow& row : event_set(set, cpu)) {
      add({std::string(row.event), fmt::format("set {}", set), std::string(row.counts), std::string(row.caveat), {}});
    }
  }
  for (const ListedEvent& event : pfm_events()) add({event.name, event.pmu, event.description, {}, {}});
  for (const SysfsPmu& pmu : sysfs_pmus(paths)) {
    for (const std::string& event : pmu.events) add({event, pmu.name, {}, {}, {}});
  }
  return catalog;
}

}  // namespace shadowwalk::pmu
