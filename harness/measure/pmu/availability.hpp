#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"
#include "harness/measure/pmu/perf_kernel.hpp"

/// What this machine lets the calling user count.
namespace shadowwalk::pmu {

/// Whether hardware events can be counted: empty if `cycles` opens for the calling thread; otherwise the reason in
/// words, with the remedy if there is one.
std::string unavailable_reason(const SystemPaths& paths = {});

/// Whether they can be read without a system call, which makes it possible to count walks alone: empty, or the reason.
std::string self_reading_unavailable_reason(const SystemPaths& paths = {});

/// Whether an event can be counted for a thread on this machine: empty, or the reason.
std::string cannot_count(const std::string& event, const SystemPaths& paths = {});

/// One event that `--events` takes, as `shadowwalk list events` shows it.
struct CatalogEntry {
  std::string name;
  std::string source;       ///< `set contention`, libpfm4's PMU (`amd64_fam19h_zen4`, `perf`) or the kernel's (`msr`)
  std::string description;  ///< what it counts, by its source; empty if the source does not say
  std::string caveat;       ///< for events of sets: what it does not count
  std::string unavailable;  ///< why it cannot be counted for a thread here; empty: it can
};

struct EventCatalog {
  std::vector<CatalogEntry> entries;
  std::string why_no_tracepoints;  ///< and what mends it; empty: tracefs shows them
};

/// The rows of each set for this CPU, then libpfm4's events, then those that the kernel names in sysfs and tracefs.
/// Only entries whose name or source `wanted` accepts are returned. Each is opened once to know whether it can be
/// counted, but of tracepoints that open alike only the first: the kernel closes one in 50 ms (a grace period of RCU).
EventCatalog event_catalog(const std::function<bool(std::string_view name, std::string_view source)>& wanted,
                           const SystemPaths& paths = {}, PerfKernel& kernel = PerfKernel::real());

}  // namespace shadowwalk::pmu
