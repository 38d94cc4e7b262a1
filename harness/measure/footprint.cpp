// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/measure/footprint.hpp"

#include <algorithm>

namespace shadowwalk {

Footprint::Footprint(const Window& window, std::uint64_t (*to_whole_ns)(std::uint64_t), FootprintCounters* counters)
    : window_(window),
      to_whole_ns_(to_whole_ns),
      own_counters_(counters == nullptr ? std::make_unique<FootprintCounters>() : nullptr),
      counters_(counters == nullptr ? *own_counters_ : *counters) {}

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
    const std::size_t interval = window_.part_of(now, kIntervals);
    add_alone(arrivals.count[interval], 1);
    add_alone(arrivals.ticks_sum, now - window_.start());
    raise_alone(arrivals.interval_peak[interval], level);
    raise_alone(arrivals.peak, level);
  }
}

void Footprint::depart(Departures& departures, std::uint64_t unlinked_at, std::uint64_t now, bool drained) {
  if (now < window_.start()) {
    departures.before.fetch_add(1, std::memory_order_relaxed);
  } else if (now < window_.end()) {
    departures.count[window_.part_of(now, kIntervals)].fetch_add(1, std::memory_order_relaxed);
    departures.ticks_sum.fetch_add(now - window_.start(), std::memory_order_relaxed);
  }
  if (drained || !window_.contains(unlinked_at)) return;
  departures.free_ns.record(to_whole_ns_(now - unlinked_at));
}

void Footprint::on_leave(const Retired& page) {
  Freer& freer = counters_.freers[number_of_this_freer()];
  freer.freed.total.fetch_add(1, std::memory_order_relaxed);
  if (page.deferred_at) freer.deferred.total.fetch_add(1, std::memory_order_relaxed);
}

void Footprint::record_free(const Retired& page, std::uint64_t now) {
  // Clocks of two CPUs may differ a little; no page is freed before it is retired.
  now = std::max({now, page.unlinked_at, page.deferred_at.value_or(0)});
  Freer& freer = counters_.freers[number_of_this_freer()];
  const bool drained = draining_.load(std::memory_order_relaxed);
  depart(freer.freed, page.unlinked_at, now, drained);
  if (page.deferred_at) depart(freer.deferred, page.unlinked_at, now, drained);
  if (drained && window_.contains(page.unlinked_at)) freer.by_drain.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace shadowwalk
