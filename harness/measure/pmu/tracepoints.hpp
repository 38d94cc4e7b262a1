#pragma once

#include <string>
#include <variant>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"

/// The kernel's tracepoints, as tracefs shows them. All functions are thread-safe.
namespace shadowwalk::pmu {

/// Encodes a tracepoint `system:event` through tracefs, or says why not: tracefs not mounted, not readable, or no such
/// tracepoint, with the command that mends it.
std::variant<EncodedEvent, Refusal> encode_tracepoint(const std::string& event, const SystemPaths& paths);

struct Tracepoint {
  std::string name;  ///< `kvm:kvm_exit`
  /// The kernel lets it be switched on by itself (it has a file `enable`). All of these open alike, since only a
  /// request for the raw fields needs a permission of its own (perf_trace_event_perm(), Linux 6.18); `ftrace:function`
  /// and the like do not.
  bool is_switchable = false;
};

/// Those that perf can count, by name.
struct TracepointList {
  std::vector<Tracepoint> tracepoints;
  std::string why_none;  ///< and what mends it; empty: there are some
};
TracepointList tracepoints(const SystemPaths& paths);

}  // namespace shadowwalk::pmu
