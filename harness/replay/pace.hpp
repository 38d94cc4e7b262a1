#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "harness/trace/trace_event.hpp"

/// Replay of a trace: its events go to the threads that do again what the recorded ones did.
namespace shadowwalk::replay {

/// How fast a trace is replayed.
struct Pace {
  /// Each thread takes its next event as soon as it is done with the last.
  bool closed_loop = false;
  /// Open loop: the times between events are divided by it, kSlowest to kFastest.
  double speed = 1;

  static constexpr double kSlowest = 0.001;
  static constexpr double kFastest = 1000;
};

/// `2.5` or `closed-loop`; nothing if the text is neither, or out of range. Pure.
std::optional<Pace> parse_pace(std::string_view text);
std::string to_string(const Pace& pace);

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

/// When an event of this trace time is due, in ns since the replay began; kNever where that passes 146 years. Pure.
std::uint64_t due_ns(std::uint64_t trace_ns, double speed);

/// By how much trace time goes on from one pass over the trace to the next: its duration, and one event's share of it
/// between the last event and the first. Pure.
std::uint64_t pass_ns(const trace::TraceInfo& info);

/// Sum that stops at kNever.
constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) { return a > kNever - b ? kNever : a + b; }

/// The replay's time, for all of its threads.
class ReplayClock {
 public:
  explicit ReplayClock(const Pace& pace) : pace_(pace) {}

  const Pace& pace() const { return pace_; }
  /// Trace time 0 is now, in ticks of the cycle clock. Once.
  void start(std::uint64_t ticks) { start_.store(ticks, std::memory_order_release); }
  bool started() const { return start_.load(std::memory_order_acquire) != kNever; }
  /// When an event of this trace time is due, in ticks of the cycle clock: 0, in a closed loop. After the start.
  std::uint64_t due(std::uint64_t trace_ns) const;

 private:
  const Pace pace_;
  std::atomic<std::uint64_t> start_{kNever};
};

}  // namespace shadowwalk::replay
