#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace shadowwalk::trace {

/// Events that a recorder says it lost.
struct LostEvents {
  std::uint64_t count = 0;
  bool is_counted = true;  ///< false: the recorder says that it lost some, but not how many
};

/// What a line that is no event says about lost events, nothing if it says nothing. Pure. Forms:
///     PERF_RECORD_LOST lost 12             perf; also PERF_RECORD_LOST_SAMPLES
///     Processed 99 events and lost 3 chunks!   perf: what a chunk contained is not known
///     CPU:2 [LOST 12 EVENTS]               ftrace; [LOST EVENTS] if it did not count them
///     CPU:2 [12 EVENTS DROPPED]            trace-cmd; [EVENTS DROPPED]
///     # entries-in-buffer/entries-written: 9/20   #P:8      ftrace's header: the ring buffer overwrote the others;
///     # latency: 0 us, #9/20, CPU#0 ...                     the same in its latency format
///     overrun: 12                          trace-cmd's and ftrace's statistics; commit overrun, dropped events
std::optional<LostEvents> lost_events(std::string_view line);

}  // namespace shadowwalk::trace
