#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace shadowwalk::coherence {

/// Simulated time and its lengths: whole numbers, so that a simulation is the same everywhere.
using Picoseconds = std::int64_t;

inline constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();

inline Picoseconds from_ns(double ns) { return std::llround(ns * 1e3); }
constexpr double to_ns(Picoseconds time) { return static_cast<double>(time) / 1e3; }

}  // namespace shadowwalk::coherence
