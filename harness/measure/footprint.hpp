#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// How much memory shadow pages take, and for how long they outlive their unlinking. Exact: computed from the events,
/// not sampled, since a sampling thread would take CPU from the walkers and miss what lasts microseconds. Sizes are in
/// pages, times in clock ticks; the caller scales both.
///
/// on_allocate() and on_unlink() need mmu_lock (one writer at a time); on_free() may be called by any thread. No two
/// writers share a cache line, so that what is measured is the scheme's contention and not the measurement's. Results
/// are exact once the writers have stopped.
class Footprint {
 public:
  static constexpr std::size_t kIntervals = 256;  ///< of the time series

  /// `ns_per_tick` scales free latencies, which are recorded in ns.
  Footprint(const Window& window, double ns_per_tick);

  void on_allocate(std::uint64_t now) { arrive(allocated_, now); }
  void on_unlink(std::uint64_t now) { arrive(unlinked_, now); }
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
  Result result() const;

  /// Pages unlinked and not freed. Exact for the unlinker and when nobody writes.
  std::uint64_t retired() const { return level_now(unlinked_); }
  /// Pages allocated and not freed; the same.
  std::uint64_t shadow() const { return level_now(allocated_); }

 private:
  /// Pages that come into a state: written under mmu_lock.
  struct alignas(64) Arrivals {
    std::atomic<std::uint64_t> total{0};  // one writer; read by shadow() and retired()
    std::uint64_t before = 0;             // the window
    std::uint64_t ticks_sum = 0;          // in the window, relative to its start
    std::uint64_t peak = 0;
    std::array<std::uint64_t, kIntervals> count{};
    std::array<std::uint64_t, kIntervals> interval_peak{};
  };
  /// Pages that one thread (or, past kFreers threads, a few) has freed.
  struct alignas(64) Freer {
    std::atomic<std::uint64_t> total{0};
    std::atomic<std::uint64_t> before{0};
    std::atomic<std::uint64_t> by_drain{0};
    std::atomic<std::uint64_t> ticks_sum{0};
    std::array<std::atomic<std::uint64_t>, kIntervals> count{};
    ConcurrentHistogram free_ns;
  };
  static constexpr std::size_t kFreers = 16;
  using Freers = std::array<Freer, kFreers>;

  /// Departures of all freers together.
  struct Departures {
    std::uint64_t before = 0;
    std::uint64_t ticks_sum = 0;
    std::array<std::uint64_t, kIntervals> count{};
  };

  static std::size_t freer_of_this_thread();
  std::size_t interval_of(std::uint64_t now) const;
  void arrive(Arrivals& arrivals, std::uint64_t now);
  std::uint64_t level_now(const Arrivals& arrivals) const;
  Level level(const Arrivals& arrivals, const Departures& departures) const;

  const Window& window_;
  const double ns_per_tick_;
  std::atomic<bool> draining_{false};
  Arrivals allocated_;
  Arrivals unlinked_;
  const std::unique_ptr<Freers> freers_;
};

}  // namespace shadowwalk
