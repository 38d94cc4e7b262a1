#include "harness/measure/footprint.hpp"

#include <algorithm>
#include <numeric>

namespace shadowwalk {

Footprint::Footprint(const Window& window, double ns_per_tick, FootprintCounters* counters)
    : window_(window),
      ns_per_tick_(ns_per_tick),
      own_counters_(counters == nullptr ? std::make_unique<FootprintCounters>() : nullptr),
      counters_(counters == nullptr ? *own_counters_ : *counters) {}

std::size_t Footprint::freer_of_this_thread() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % FootprintCounters::kFreers;
  return mine;
}

std::size_t Footprint::interval_of(std::uint64_t now) const {
  const std::uint64_t length = window_.end() - window_.start();
  const double part = static_cast<double>(now - window_.start()) / static_cast<double>(length);
  return std::min(kIntervals - 1, static_cast<std::size_t>(part * kIntervals));
}

std::uint64_t Footprint::occupancy_now(const Arrivals& arrivals, DeparturesOfFreer departures) const {
  return arrivals.total.load(std::memory_order_relaxed) - counters_.left_by(departures);
}

void Footprint::arrive(Arrivals& arrivals, DeparturesOfFreer departures, std::uint64_t now) {
  // mmu_lock orders arrivals. A page that is counted as freed had arrived under it before; one that is counted as a
  // deferred page's free arrives as deferred in this call at the latest.
  add_alone(arrivals.total, 1);
  if (now < window_.start()) {
    add_alone(arrivals.before, 1);
  } else if (now < window_.end()) {
    const std::uint64_t level = occupancy_now(arrivals, departures);
    const std::size_t interval = interval_of(now);
    add_alone(arrivals.count[interval], 1);
    add_alone(arrivals.ticks_sum, now - window_.start());
    raise_alone(arrivals.interval_peak[interval], level);
    raise_alone(arrivals.peak, level);
  }
}

void Footprint::depart(Departures& departures, std::uint64_t unlinked_at, std::uint64_t now, bool drained) {
  departures.total.fetch_add(1, std::memory_order_relaxed);
  if (now < window_.start()) {
    departures.before.fetch_add(1, std::memory_order_relaxed);
  } else if (now < window_.end()) {
    departures.count[interval_of(now)].fetch_add(1, std::memory_order_relaxed);
    departures.ticks_sum.fetch_add(now - window_.start(), std::memory_order_relaxed);
  }
  if (drained || !window_.contains(unlinked_at)) return;
  departures.free_ns.record(static_cast<std::uint64_t>(static_cast<double>(now - unlinked_at) * ns_per_tick_));
}

void Footprint::on_free(const Retired& page, std::uint64_t now) {
  // Clocks of two CPUs may differ a little; no page is freed before it is retired.
  now = std::max({now, page.unlinked_at, page.deferred_at.value_or(0)});
  Freer& freer = counters_.freers[freer_of_this_thread()];
  const bool drained = draining_.load(std::memory_order_relaxed);
  depart(freer.freed, page.unlinked_at, now, drained);
  if (page.deferred_at) depart(freer.deferred, page.unlinked_at, now, drained);
  if (drained && window_.contains(page.unlinked_at)) freer.by_drain.fetch_add(1, std::memory_order_relaxed);
}

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
