#include "harness/measure/pmu/availability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/measure/pmu/self_reading.hpp"
#include "harness/measure/pmu/sysfs_pmu.hpp"
#include "harness/measure/pmu/thread_counters.hpp"
#include "harness/measure/pmu/tracepoints.hpp"

namespace shadowwalk::pmu {
namespace {

std::string why_not_counted(const std::string& event, const SystemPaths& paths, PerfKernel& kernel) {
  const auto encoded = encode_event(event, paths);
  if (const auto* refusal = std::get_if<Refusal>(&encoded)) return refusal->reason;
  const auto& ready = std::get<EncodedEvent>(encoded);
  perf_event_attr attributes = ready.attributes;
  attributes.disabled = 1;
  const int fd = kernel.open(attributes, -1);
  if (fd < 0) return explain_open_failure(-fd, ready, open_facts(paths));
  kernel.close(fd);
  return {};
}

}  // namespace

std::string cannot_count(const std::string& event, const SystemPaths& paths) {
  return why_not_counted(event, paths, PerfKernel::real());
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

EventCatalog event_catalog(const std::function<bool(std::string_view, std::string_view)>& wanted,
                           const SystemPaths& paths, PerfKernel& kernel) {
  EventCatalog catalog;
  const auto add = [&](CatalogEntry entry, const std::optional<std::string>& known_reason = std::nullopt) {
    if (!wanted(entry.name, entry.source)) return;
    entry.unavailable = known_reason ? *known_reason : why_not_counted(entry.name, paths, kernel);
    catalog.entries.push_back(std::move(entry));
  };
  const Microarchitecture cpu = this_microarchitecture();
  for (const std::string_view set : event_set_names()) {
    for (const EventRow& row : event_set(set, cpu)) {
      add({std::string(row.event), fmt::format("set {}", set), std::string(row.counts), std::string(row.caveat), {}});
    }
  }
  const TracepointList in_tracefs = tracepoints(paths);
  catalog.why_no_tracepoints = in_tracefs.why_none;
  for (const ListedEvent& event : pfm_events()) {
    // Where debugfs is mounted libpfm4 lists tracepoints, too.
    if (std::ranges::binary_search(in_tracefs.tracepoints, event.name, {}, &Tracepoint::name)) continue;
    add({event.name, event.pmu, event.description, {}, {}});
  }
  for (const SysfsPmu& pmu : sysfs_pmus(paths)) {
    for (const std::string& event : pmu.events) add({event, pmu.name, {}, {}, {}});
  }
  std::optional<std::string> of_switchable;
  for (const Tracepoint& tracepoint : in_tracefs.tracepoints) {
    const std::size_t before = catalog.entries.size();
    add({tracepoint.name, "tracepoint", {}, {}, {}}, tracepoint.is_switchable ? of_switchable : std::nullopt);
    if (tracepoint.is_switchable && catalog.entries.size() > before) {
      of_switchable = catalog.entries.back().unavailable;
    }
  }
  return catalog;
}

}  // namespace shadowwalk::pmu
