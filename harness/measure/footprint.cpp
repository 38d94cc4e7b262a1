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

std::uint64_t Footprint::occupancy_now(const Arrivals& arrivals) const {
  return arrivals.total.load(std::memory_order_relaxed) - counters_.freed();
}

void Footprint::arrive(Arrivals& arrivals, std::uint64_t now) {
  // mmu_lock orders arrivals. A page that is counted as freed had arrived under it before.
  add_alone(arrivals.total, 1);
  if (now < window_.start()) {
    add_alone(arrivals.before, 1);
  } else if (now < window_.end()) {
    const std::uint64_t level = occupancy_now(arrivals);
    const std::size_t interval = interval_of(now);
    add_alone(arrivals.count[interval], 1);
    add_alone(arrivals.ticks_sum, now - window_.start());
    raise_alone(arrivals.interval_peak[interval], level);
    raise_alone(arrivals.peak, level);
  }
}

void Footprint::on_free(std::uint64_t unlinked_at, std::uint64_t now) {
  now = std::max(now, unlinked_at);  // clocks of two CPUs may differ a little; no page is freed before it is retired
  FootprintCounters::Freer& freer = counters_.freers[freer_of_this_thread()];
  freer.total.fetch_add(1, std::memory_order_relaxed);
  if (now < window_.start()) {
    freer.before.fetch_add(1, std::memory_order_relaxed);
  } else if (now < window_.end()) {
    freer.count[interval_of(now)].fetch_add(1, std::memory_order_relaxed);
    freer.ticks_sum.fetch_add(now - window_.start(), std::memory_order_relaxed);
  }
  if (!window_.contains(unlinked_at)) return;
  if (draining_.load(std::memory_order_relaxed)) {
    freer.by_drain.fetch_add(1, std::memory_order_relaxed);
  } else {
    freer.free_ns.record(static_cast<std::uint64_t>(static_cast<double>(now - unlinked_at) * ns_per_tick_));
  }
}

namespace {

/// Departures of all freers together.
struct Departures {
  std::uint64_t before = 0;
  std::uint64_t ticks_sum = 0;
  std::array<std::uint64_t, Footprint::kIntervals> count{};
};

Footprint::Occupancy occupancy_of(const FootprintCounters::Arrivals& arrivals, const Departures& departures,
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
  Result result;
  Departures departures;
  for (const FootprintCounters::Freer& freer : counters.freers) {
    departures.before += freer.before.load(std::memory_order_relaxed);
    departures.ticks_sum += freer.ticks_sum.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kIntervals; ++i) {
      departures.count[i] += freer.count[i].load(std::memory_order_relaxed);
    }
    result.freed_total += freer.total.load(std::memory_order_relaxed);
    result.freed_by_drain += freer.by_drain.load(std::memory_order_relaxed);
    result.free_ns.merge(freer.free_ns.snapshot());
  }
  for (const auto& count : counters.unlinked.count) result.unlinked += count.load(std::memory_order_relaxed);
  result.freed = std::accumulate(departures.count.begin(), departures.count.end(), std::uint64_t{0});
  result.retired = occupancy_of(counters.unlinked, departures, window_ticks);
  result.shadow = occupancy_of(counters.allocated, departures, window_ticks);
  return result;
}

}  // namespace shadowwalk
