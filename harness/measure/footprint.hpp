#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/measure/footprint_counters.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// How much memory shadow pages take, and for how long they outlive their unlinking. Exact: computed from the events,
/// not sampled, since a sampling thread would take CPU from the walkers and miss what lasts microseconds. Sizes are in
/// pages, times in clock ticks; the caller scales both.
///
/// on_allocate() and on_unlink() need mmu_lock (one writer at a time); on_free() may be called by any thread. Results
/// are exact once the writers have stopped.
class Footprint {
 public:
  static constexpr std::size_t kIntervals = FootprintCounters::kIntervals;

  /// `ns_per_tick` scales free latencies, which are recorded in ns. `counters`: all zero, and outlive this; null: of
  /// its own.
  Footprint(const Window& window, double ns_per_tick, FootprintCounters* counters = nullptr);

  void on_allocate(std::uint64_t now) { arrive(counters_.allocated, now); }
  void on_unlink(std::uint64_t now) { arrive(counters_.unlinked, now); }
  void on_free(std::uint64_t unlinked_at, std::uint64_t now);
  /// From here on, frees are the drain's: counted as censored, kept out of the latencies.
  void begin_drain() { draining_.store(true, std::memory_order_relaxed); }

  /// How many pages were in a state, over the window.
  struct Level {
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
    Level retired;                     ///< unlinked and not freed
    Level shadow;                      ///< allocated and not freed
    Histogram free_ns;                 ///< unlink to free, of pages unlinked in the window and not freed by the drain
  };
  Result result() const { return result_of(counters_, window_.end() - window_.start()); }
  /// The same of counters alone, as they stand.
  static Result result_of(const FootprintCounters& counters, std::uint64_t window_ticks);

  /// Pages unlinked and not freed. Exact for the unlinker and when nobody writes.
  std::uint64_t retired() const { return level_now(counters_.unlinked); }
  /// Pages allocated and not freed; the same.
  std::uint64_t shadow() const { return level_now(counters_.allocated); }

 private:
  using Arrivals = FootprintCounters::Arrivals;

  static std::size_t freer_of_this_thread();
  std::size_t interval_of(std::uint64_t now) const;
  void arrive(Arrivals& arrivals, std::uint64_t now);
  std::uint64_t level_now(const Arrivals& arrivals) const;

  const Window& window_;
  const double ns_per_tick_;
  std::atomic<bool> draining_{false};
  const std::unique_ptr<FootprintCounters> own_counters_;
  FootprintCounters& counters_;
};

}  // namespace shadowwalk
