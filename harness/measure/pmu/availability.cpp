#include "harness/measure/pmu/availability.hpp"

#include <fmt/format.h>

#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/measure/pmu/self_reading.hpp"
#include "harness/measure/pmu/sysfs_pmu.hpp"
#include "harness/measure/pmu/thread_counters.hpp"

namespace shadowwalk::pmu {
std::string cannot_count(const std::string& event, const SystemPaths& paths) {
  const auto encoded = encode_event(event, paths);
  if (const auto* refusal = std::get_if<Refusal>(&encoded)) return refusal->reason;
  const auto& ready = std::get<EncodedEvent>(encoded);
  perf_event_attr attributes = ready.attributes;
  attributes.disabled = 1;
  const int fd = PerfKernel::real().open(attributes, -1);
  if (fd < 0) return explain_open_failure(-fd, ready, open_facts(paths));
  PerfKernel::real().close(fd);
  return {};
}

std::string unavailable_reason(const SystemPaths& paths) { return cannot_count("cycles", paths); }

std::string self_reading_unavailable_reason(const SystemPaths& paths) {
  if (!kHasRdpmc) return "self-reading is done on x86 only: counts are read once a window";
  if (std::string reason = unavailable_reason(paths); !reason.empty()) return reason;
  const auto encoded = encode_event("cycles", paths);
  const EncodedEvent& cycles = std::get<EncodedEvent>(encoded);
  ThreadCounters counters({&cycles, 1}, PerfKernel::real(), open_facts(paths));
  if (!counters.refused().empty()) return counters.refused().front().reason;
  counters.enable();
  if (counters.groups().front().self_readable) return {};
  return "the kernel forbids rdpmc in user mode: `echo 1 > /sys/bus/event_source/devices/cpu/rdpmc`";
}

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
