// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// The counters of a Footprint, apart from it: only atomics, so that they can lie in memory that other processes read
/// (live_counters.hpp). No two writers share a cache line, so that the lab measures the scheme's contention and not its
/// own. Nothing is read through a counter: all accesses are relaxed.
struct FootprintCounters {
  static constexpr std::size_t kIntervals = 256;  ///< of the time series: equal parts of the window
  static constexpr std::size_t kFreers = 16;

  using Counter = std::atomic<std::uint64_t>;
  using Series = std::array<Counter, kIntervals>;

  /// Pages that enter a state. One writer at a time: under mmu_lock.
  struct alignas(64) Arrivals {
    Counter total{0};
    Counter before{0};     ///< the window
    Counter ticks_sum{0};  ///< in the window, relative to its start
    Counter peak{0};       ///< pages in the state at once, in the window
    Series count{};
    Series interval_peak{};
  };
  /// Pages that leave a state by one thread's frees.
  struct Departures {
    Counter total{0};
    Counter before{0};     ///< the window
    Counter ticks_sum{0};  ///< in the window, relative to its start
    Series count{};
    ConcurrentHistogram free_ns;  ///< from unlink to free, of pages unlinked in the window and not freed by the drain
  };
  /// Pages that one thread has freed (several threads, if there are more than kFreers).
  struct alignas(64) Freer {
    Departures freed;
    Departures deferred;  ///< those of them whose commit had returned
    Counter by_drain{0};
  };

  Arrivals allocated;
  Arrivals unlinked;
  Arrivals deferred;
  std::array<Freer, kFreers> freers;

  /// No page has come or gone: for a Footprint whose window never begins, which counts nothing else.
  void forget_pages() {
    for (Arrivals* arrivals : {&allocated, &unlinked, &deferred}) arrivals->total.store(0, std::memory_order_relaxed);
    for (Freer& freer : freers) {
      for (Departures* part : {&freer.freed, &freer.deferred}) part->total.store(0, std::memory_order_relaxed);
    }
  }
  /// Pages that have left by `part`, of all freers.
  std::uint64_t left_by(Departures Freer::*part) const {
    std::uint64_t left = 0;
    for (const Freer& freer : freers) left += (freer.*part).total.load(std::memory_order_relaxed);
    return left;
  }
};

/// Adds to a counter that has one writer at a time, without a locked operation.
inline void add_alone(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

/// Raises such a counter to `value`.
inline void raise_alone(std::atomic<std::uint64_t>& counter, std::uint64_t value) {
  if (value > counter.load(std::memory_order_relaxed)) counter.store(value, std::memory_order_relaxed);
}

/// A number below FootprintCounters::kFreers, which changes seldom in a thread and differs between threads that free at
/// the same time, as far as there are so many. (freer.cpp: another environment supplies its own.)
std::size_t number_of_this_freer();

/// How much memory shadow pages take, and how long they outlive their unlinking. Exact: computed from the events, not
/// sampled, since a sampling thread would take CPU time from the walkers and miss states that last microseconds. Sizes
/// are in pages, times in clock ticks; the caller scales both.
///
/// on_allocate(), on_unlink() and on_defer() need mmu_lock (one writer at a time); on_free() may be called by any
/// thread. Results are exact once the writers have stopped.
class Footprint {
 public:
  static constexpr std::size_t kIntervals = FootprintCounters::kIntervals;

  /// `to_whole_ns` gives the length of a number of ticks: free latencies are recorded in ns. `counters` are all zero
  /// and outlive this object; null: it has its own.
  Footprint(const Window& window, std::uint64_t (*to_whole_ns)(std::uint64_t ticks),
            FootprintCounters* counters = nullptr);

  /// When a page was unlinked and when, if it was not free then, its commit returned.
  struct Retired {
    std::uint64_t unlinked_at = 0;
    std::optional<std::uint64_t> deferred_at{};
  };

  void on_allocate(std::uint64_t now) { arrive(counters_.allocated, &Freer::freed, now); }
  void on_unlink(std::uint64_t now) { arrive(counters_.unlinked, &Freer::freed, now); }
  /// A page's commit returned at `now` and left the page unfreed.
  void on_defer(std::uint64_t now) { arrive(counters_.deferred, &Freer::deferred, now); }
  void on_free(const Retired& page, std::uint64_t now) {
    on_leave(page);
    record_free(page, now);
  }
  /// The two halves of on_free(): the page leaves the levels whose peaks are kept; and, later and by any thread, when
  /// it was free.
  void on_leave(const Retired& page);
  void record_free(const Retired& page, std::uint64_t now);
  /// From here on, frees belong to the drain: they count as censored and stay out of the latencies.
  void begin_drain() { draining_.store(true, std::memory_order_relaxed); }

  /// How many pages were in a state, over the window.
  struct Occupancy {
    std::uint64_t peak = 0;
    double mean = 0;                         ///< time-weighted
    std::vector<std::uint64_t> series_peak;  ///< greatest within each of kIntervals equal parts
    std::vector<std::uint64_t> series_last;  ///< at the end of each
  };
  struct Result {
    std::uint64_t unlinked = 0;        ///< pages, in the window
    std::uint64_t freed = 0;           ///< pages, in the window
    std::uint64_t freed_total = 0;     ///< pages, in the whole life
    std::uint64_t freed_by_drain = 0;  ///< unlinked in the window, freed by the drain
    Occupancy retired;                 ///< unlinked and not freed
    Occupancy deferred;                ///< those whose commit has returned: 0 where commit frees
    Occupancy shadow;                  ///< allocated and not freed
    Histogram free_ns;                 ///< unlink to free, of pages unlinked in the window and not freed by the drain
    Histogram deferred_free_ns;        ///< the same, of pages that were not free when their commit returned
  };
  Result result() const { return result_of(counters_, window_.end() - window_.start()); }
  /// The same from counters alone, in their present state.
  static Result result_of(const FootprintCounters& counters, std::uint64_t window_ticks);

  const FootprintCounters& counters() const { return counters_; }

  /// Pages unlinked and not freed. Exact for the unlinker, and when no thread writes.
  std::uint64_t retired() const { return occupancy_now(counters_.unlinked, &Freer::freed); }
  /// Pages allocated and not freed; the same.
  std::uint64_t shadow() const { return occupancy_now(counters_.allocated, &Freer::freed); }

 private:
  using Arrivals = FootprintCounters::Arrivals;
  using Departures = FootprintCounters::Departures;
  using Freer = FootprintCounters::Freer;
  using DeparturesOfFreer = Departures Freer::*;

  void arrive(Arrivals& arrivals, DeparturesOfFreer departures, std::uint64_t now);
  void depart(Departures& departures, std::uint64_t unlinked_at, std::uint64_t now, bool drained);
  std::uint64_t occupancy_now(const Arrivals& arrivals, DeparturesOfFreer departures) const;

  const Window& window_;
  std::uint64_t (*const to_whole_ns_)(std::uint64_t ticks);
  std::atomic<bool> draining_{false};
  const std::unique_ptr<FootprintCounters> own_counters_;
  FootprintCounters& counters_;
};

}  // namespace shadowwalk
