#include "harness/measure/pmu/availability.hpp"

#include <fmt/format.h>

#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/rdpmc.hpp"
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

}  // namespace shadowwalk::pmu
