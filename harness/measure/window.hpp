// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace shadowwalk {

/// Whether the times of faults, zaps, frees and locks are taken at all: the lab must be able to measure its own cost.
enum class Clocks { off, on };

/// The measured window in clock ticks, [start, end). Set before its start is reached, so that every thread decides for
/// itself whether an event counts, and all agree. Not set: nothing counts.
class Window {
 public:
  void set(std::uint64_t start, std::uint64_t end) {
    end_.store(end, std::memory_order_relaxed);
    start_.store(start, std::memory_order_relaxed);
  }
  std::uint64_t start() const { return start_.load(std::memory_order_relaxed); }
  std::uint64_t end() const { return end_.load(std::memory_order_relaxed); }
  bool contains(std::uint64_t ticks) const { return ticks >= start() && ticks < end(); }
  /// In which of so many equal parts of the window `ticks`, which it contains, lies; the last one for its end. Exact
  /// for windows of up to 2^64 / `parts` ticks.
  std::size_t part_of(std::uint64_t ticks, std::size_t parts) const {
    return std::min<std::size_t>(parts - 1, (ticks - start()) * parts / (end() - start()));
  }

 private:
  // Read by all, written once: a line of its own stays shared.
  alignas(64) std::atomic<std::uint64_t> start_{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<std::uint64_t> end_{std::numeric_limits<std::uint64_t>::max()};
};

}  // namespace shadowwalk
