#pragma once

#include <cstdint>

#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk::replay {

/// The events that one thread of a replay began. For that thread only, until it has ended.
struct ReplayCounts {
  /// An event is late if it begins more than this after its due time.
  static constexpr std::uint64_t kLateNs = 1'000'000;

  std::uint64_t events_total = 0;  ///< in the whole replay
  std::uint64_t events = 0;        ///< begun in the window
  std::uint64_t late = 0;          ///< of these
  Histogram lag_ns;                ///< of these: from the due time until they began; open loop only

  /// Counts an event that begins at `now`. `due`: its due time; 0 in a closed loop.
  void note(std::uint64_t now, std::uint64_t due, const Window& window, bool clocked) {
    ++events_total;
    if (!window.contains(now)) return;
    ++events;
    if (due == 0) return;
    const std::uint64_t lag = CycleClock::to_whole_ns(now - due);
    if (lag > kLateNs) ++late;
    if (clocked) lag_ns.record(lag);
  }

  ReplayCounts& operator+=(const ReplayCounts& other) {
    events_total += other.events_total;
    events += other.events;
    late += other.late;
    lag_ns.merge(other.lag_ns);
    return *this;
  }
};

}  // namespace shadowwalk::replay
