#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace shadowwalk::pmu {

/// A count taken over a part of the time, extrapolated to all of it.
struct ScaledCount {
  std::optional<double> estimate;  ///< nothing: it was never counted
  double multiplexed = 0;          ///< the part of the time in which it was not counted, 0 to 1
};

/// The kernel's rule: count x enabled / running. Any unit, as long as both have the same. `running` beyond `enabled` is
/// a clock's rounding and taken as equal. Pure; never divides by zero.
inline ScaledCount scale(double count, std::uint64_t enabled, std::uint64_t running) {
  if (enabled == 0) return {};
  if (running == 0) return {std::nullopt, 1.0};
  const double part = static_cast<double>(std::min(running, enabled)) / static_cast<double>(enabled);
  return {count / part, 1.0 - part};
}

}  // namespace shadowwalk::pmu
