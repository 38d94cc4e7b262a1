#include <algorithm>
#include <numeric>

#include "harness/measure/footprint.hpp"

namespace shadowwalk {
namespace {

/// Departures of all freers together.
struct AllDepartures {
  AllDepartures(const FootprintCounters& counters, FootprintCounters::Departures FootprintCounters::Freer::*part) {
    for (const FootprintCounters::Freer& freer : counters.freers) {
      const FootprintCounters::Departures& departures = freer.*part;
      total += departures.total.load(std::memory_order_relaxed);
      before += departures.before.load(std::memory_order_relaxed);
      ticks_sum += departures.ticks_sum.load(std::memory_order_relaxed);
      for (std::size_t i = 0; i < count.size(); ++i) count[i] += departures.count[i].load(std::memory_order_relaxed);
      free_ns.merge(departures.free_ns.snapshot());
    }
  }

  std::uint64_t total = 0;
  std::uint64_t before = 0;
  std::uint64_t ticks_sum = 0;
  std::array<std::uint64_t, Footprint::kIntervals> count{};
  Histogram free_ns;
};

Footprint::Occupancy occupancy_of(const FootprintCounters::Arrivals& arrivals, const AllDepartures& departures,
                                  std::uint64_t window_ticks) {
  Footprint::Occupancy occupancy;
  const std::uint64_t at_start = arrivals.before.load(std::memory_order_relaxed) - departures.before;
  occupancy.series_peak.reserve(Footprint::kIntervals);
  occupancy.series_last.reserve(Footprint::kIntervals);
  std::uint64_t now = at_start;
  for (std::size_t i = 0; i < Footprint::kIntervals; ++i) {
    occupancy.series_peak.push_back(std::max(arrivals.interval_peak[i].load(std::memory_order_relaxed), now));
    now = now + arrivals.count[i].load(std::memory_order_relaxed) - departures.count[i];
    occupancy.series_last.push_back(now);
  }
  occupancy.peak = std::max(arrivals.peak.load(std::memory_order_relaxed), at_start);
  // The integral of the occupancy: the final number for the whole window, less the time before each arrival, plus
  // the time before each departure. The sums of ticks pass 2^64 in a long run, and so modulo 2^64 throughout: exact as
  // long as the integral fits.
  const std::uint64_t integral =
      now * window_ticks - arrivals.ticks_sum.load(std::memory_order_relaxed) + departures.ticks_sum;
  occupancy.mean = window_ticks == 0 ? 0 : static_cast<double>(integral) / static_cast<double>(window_ticks);
  return occupancy;
}

}  // namespace

Footprint::Result Footprint::result_of(const FootprintCounters& counters, std::uint64_t window_ticks) {
  const AllDepartures freed(counters, &Freer::freed);
  const AllDepartures deferred(counters, &Freer::deferred);
  Result result;
  for (const auto& count : counters.unlinked.count) result.unlinked += count.load(std::memory_order_relaxed);
  result.freed = std::accumulate(freed.count.begin(), freed.count.end(), std::uint64_t{0});
  result.freed_total = freed.total;
  for (const Freer& freer : counters.freers) result.freed_by_drain += freer.by_drain.load(std::memory_order_relaxed);
  result.retired = occupancy_of(counters.unlinked, freed, window_ticks);
  result.deferred = occupancy_of(counters.deferred, deferred, window_ticks);
  result.shadow = occupancy_of(counters.allocated, freed, window_ticks);
  result.free_ns = freed.free_ns;
  result.deferred_free_ns = deferred.free_ns;
  return result;
}

}  // namespace shadowwalk
