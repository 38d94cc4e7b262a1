#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace shadowwalk {

/// Paces a thread that acts at set times whether or not it is late. Returns when it was `ticks` of the cycle clock or a
/// little later, and which time that was; empty once `stop` is set, seen within 20 ms. Sleeps far from the time and
/// spins near it, or yields (`yields`) where CPUs are short.
std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks, const std::atomic<bool>& stop, bool yields);

/// Before the first wait: sleeps of the calling thread end on time, not up to 50 us later.
void sleep_precisely();

}  // namespace shadowwalk
