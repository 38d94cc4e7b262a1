#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "harness/measure/histogram.hpp"

namespace shadowwalk {

/// What Footprint counts with, apart from it: atomics alone, so that they can lie in memory that other processes read
/// (live_counters.hpp). No two writers share a cache line, so that what is measured is the scheme's contention and not
/// the measurement's. Nothing is read through a counter: all accesses are relaxed.
struct FootprintCounters {
  static constexpr std::size_t kIntervals = 256;  ///< of the time series: equal parts of the window
  static constexpr std::size_t kFreers = 16;

  using Counter = std::atomic<std::uint64_t>;
  using Series = std::array<Counter, kIntervals>;

  /// Pages that come into a state. One writer at a time: under mmu_lock.
  struct alignas(64) Arrivals {
    Counter total{0};
    Counter before{0};     ///< the window
    Counter ticks_sum{0};  ///< in the window, relative to its start
    Counter peak{0};       ///< pages in the state at once, in the window
    Series count{};
    Series interval_peak{};
  };
  /// Pages that one thread (or, past kFreers threads, a few) has freed.
  struct alignas(64) Freer {
    Counter total{0};
    Counter before{0};
    Counter by_drain{0};
    Counter ticks_sum{0};
    Series count{};
    ConcurrentHistogram free_ns;  ///< of pages unlinked in the window, not by the drain
  };

  Arrivals allocated;
  Arrivals unlinked;
  std::array<Freer, kFreers> freers;

  std::uint64_t freed() const {
    std::uint64_t freed = 0;
    for (const Freer& freer : freers) freed += freer.total.load(std::memory_order_relaxed);
    return freed;
  }
};

/// Adds to a counter that has one writer at a time: no locked operation.
inline void add_alone(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

/// Raises it to `value`, the same.
inline void raise_alone(std::atomic<std::uint64_t>& counter, std::uint64_t value) {
  if (value > counter.load(std::memory_order_relaxed)) counter.store(value, std::memory_order_relaxed);
}

}  // namespace shadowwalk
