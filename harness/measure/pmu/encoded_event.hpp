#pragma once

#include <linux/perf_event.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::pmu {

/// Where the kernel describes its PMUs and tracepoints; tests substitute trees of their own.
struct SystemPaths {
  std::filesystem::path event_source = "/sys/bus/event_source/devices";
  std::vector<std::filesystem::path> tracefs = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
  std::filesystem::path paranoid = "/proc/sys/kernel/perf_event_paranoid";
};

/// Decides the privilege levels that count unless a modifier says otherwise, and the events with which an event may
/// share a group.
enum class EventKind {
  core,        ///< a core's PMU: user code of the host only, as anyone may count it
  software,    ///< the kernel's own counters: user code, where that means anything
  tracepoint,  ///< happens in the kernel: everything
  device,      ///< another PMU (msr, ibs_op, ...): everything, as most of these cannot filter
};

/// An event that is ready to be opened.
struct EncodedEvent {
  std::string name;     ///< in results (event_label)
  std::string set;      ///< the set for which it is counted; empty: it was requested by name alone
  std::string encoded;  ///< what is actually counted: `amd64_fam19h_zen4::RETIRED_OPS:u`, `msr/event=0x0/`
  EventKind kind = EventKind::core;
  perf_event_attr attributes{};
  double scale = 1;  ///< the value of one count, in `unit`
  std::string unit;  ///< empty: a plain count
};

/// perf's modifiers after the last colon or slash: `u` user, `k` kernel, `h` hypervisor, `G` guest, `H` host. Sets the
/// exclude bits for them, or the kind's own for none.
void apply_privileges(EncodedEvent& event, std::string_view modifiers);

/// The levels that the exclude bits leave, as modifiers: `u`, `uk`; empty for all.
std::string privileges(const perf_event_attr& attributes);

}  // namespace shadowwalk::pmu
