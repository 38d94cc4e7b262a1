#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// How much memory shadow pages take, and for how long they outlive their unlinking. Exact: computed from the events,
/// not sampled. Sizes are in pages, times in clock ticks; the caller scales both.
///
/// on_allocate() and on_unlink() need mmu_lock (one writer at a time); on_free() may be called by any thread. Results
/// are exact once the writers have stopped.
class Footprint {
 public:
  static constexpr std::size_t kIntervals = 256;  ///< of the time series

  /// `ns_per_tick` scales free latencies, which are recorded in ns.
  Footprint(const Window& window, double ns_per_tick) : window_(window), ns_per_tick_(ns_per_tick) {}

  void on_allocate(std::uint64_t now);
  void on_unlink(std::uint64_t now);
  void on_free(std::uint64_t unlinked_at, std::uint64_t now);
  /// From here on, frees are the drain's: counted as censored, kept out of the latencies.
  void begin_drain() { draining_.store(true, std::memory_order_relaxed); }

  struct Result {
    std::uint64_t unlinked = 0;        ///< pages, in the window
    std::uint64_t freed = 0;           ///< pages, in the window
    std::uint64_t freed_total = 0;     ///< pages, in the whole life
    std::uint64_t freed_by_drain = 0;  ///< unlinked in the window, freed by the drain
    std::uint64_t retired_peak = 0;    ///< pages unlinked and not freed
    double retired_mean = 0;           ///< time-weighted
    std::uint64_t shadow_peak = 0;     ///< pages allocated and not freed
    Histogram free_ns;                 ///< unlink to free, of pages unlinked in the window and not freed by the drain
    std::vector<std::uint64_t> series_peak;  ///< retired pages: greatest within each of kIntervals equal parts
    std::vector<std::uint64_t> series_last;  ///< retired pages at the end of each
  };
  Result result() const;

  std::uint64_t retired() const { return retired_.load(std::memory_order_relaxed); }
  /// Pages allocated and not freed.
  std::uint64_t shadow() const { return shadow_.load(std::memory_order_relaxed); }

 private:
  std::size_t interval_of(std::uint64_t now) const;

  const Window& window_;
  const double ns_per_tick_;
  std::atomic<bool> draining_{false};

  // The unlinker's: one writer at a time.
  alignas(64) std::uint64_t unlinked_before_ = 0;
  std::uint64_t unlink_ticks_sum_ = 0;  // relative to the window's start
  std::uint64_t retired_peak_ = 0;
  std::uint64_t shadow_peak_ = 0;
  std::uint64_t allocated_before_ = 0;
  std::array<std::uint64_t, kIntervals> unlinked_{};
  std::array<std::uint64_t, kIntervals> peak_{};

  // Shared by unlinkers and freers.
  alignas(64) std::atomic<std::uint64_t> retired_{0};
  alignas(64) std::atomic<std::uint64_t> shadow_{0};

  // The freers'.
  alignas(64) std::atomic<std::uint64_t> freed_before_{0};
  std::atomic<std::uint64_t> freed_total_{0};
  std::atomic<std::uint64_t> freed_by_drain_{0};
  std::atomic<std::uint64_t> free_ticks_sum_{0};
  std::array<std::atomic<std::uint64_t>, kIntervals> freed_{};
  ConcurrentHistogram free_ns_;
};

}  // namespace shadowwalk
