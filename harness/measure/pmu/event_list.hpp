#pragma once

#include <linux/perf_event.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/pmu/microarchitecture.hpp"

namespace shadowwalk::pmu {

/// An event that is not counted, and why; `reason` names the remedy if there is one.
struct Refusal {
  std::string event;
  std::string reason;
};

/// What is wrong with the text of `--events`, in words that also say what would be right; nothing if it is well formed.
/// Pure: does not check whether the events exist.
std::optional<std::string> event_list_error(std::string_view text);

/// What `--events` requests on a CPU.
struct EventSelection {
  std::vector<std::string> events;  ///< as written, sets expanded, each once, in the order of the text
  std::map<std::string, std::string, std::less<>> sets;  ///< the requested set of each event that is in one
  std::vector<Refusal> refused;                          ///< sets that have no events for this CPU
};

/// `cycles,msr/tsc/,kvm:kvm_exit,contention`: events by name, or sets, separated by commas other than those between two
/// slashes. The text must be well formed (event_list_error). Pure.
EventSelection select_events(std::string_view text, Microarchitecture microarchitecture);

/// The name of an event in results: its `name=` term if it has one, otherwise as it was written.
std::string event_label(std::string_view event);

/// Where the kernel describes its PMUs and tracepoints; tests substitute trees of their own.
struct SystemPaths {
  std::filesystem::path event_source = "/sys/bus/event_source/devices";
  std::vector<std::filesystem::path> tracefs = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
  std::filesystem::path paranoid = "/proc/sys/kernel/perf_event_paranoid";
};

/// Decides the privilege levels that count unless a modifier says otherwise, and the events with which an event may
/// share a group.
enum class EventKind {
  core,        ///< a core's PMU: one kind of code only, of the host; user code, as anyone may count it
  software,    ///< the kernel's own counters: the same, where that means anything
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

/// Whose code the threads run that are to be counted: what a core's event counts that says nothing about it.
enum class CountedCode { user, kernel };

/// perf's modifiers after the last colon or slash: `u` user, `k` kernel, `h` hypervisor, `G` guest, `H` host. Sets the
/// exclude bits for them, or the kind's own for none, which are those of `code` if the kind can filter.
void apply_privileges(EncodedEvent& event, std::string_view modifiers, CountedCode code = CountedCode::user);

/// The levels that the exclude bits leave, as modifiers: `u`, `uk`; empty for all.
std::string privileges(const perf_event_attr& attributes);

}  // namespace shadowwalk::pmu
