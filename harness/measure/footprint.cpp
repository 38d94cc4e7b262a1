#include "harness/measure/footprint.hpp"

#include <algorithm>
#include <numeric>

namespace shadowwalk {

Footprint::Footprint(const Window& window, double ns_per_tick)
    : window_(window), ns_per_tick_(ns_per_tick), freers_(std::make_unique<Freers>()) {}

std::size_t Footprint::freer_of_this_thread() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % kFreers;
  return mine;
}

std::size_t Footprint::interval_of(std::uint64_t now) const {
  const std::uint64_t length = window_.end() - window_.start();
  const double part = static_cast<double>(now - window_.start()) / static_cast<double>(length);
  return std::min(kIntervals - 1, static_cast<std::size_t>(part * kIntervals));
}

std::uint64_t Footprint::level_now(const Arrivals& arrivals) const {
  std::uint64_t level = arrivals.total.load(std::memory_order_relaxed);
  for (const Freer& freer : *freers_) level -= freer.total.load(std::memory_order_relaxed);
  return level;
}

void Footprint::arrive(Arrivals& arrivals, std::uint64_t now) {
  // relaxed: mmu_lock orders arrivals. A page that is counted as freed had arrived under it before.
  arrivals.total.store(arrivals.total.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (now < window_.start()) {
    ++arrivals.before;
  } else if (now < window_.end()) {
    const std::uint64_t level = level_now(arrivals);
    const std::size_t interval = interval_of(now);
    ++arrivals.count[interval];
    arrivals.ticks_sum += now - window_.start();
    arrivals.interval_peak[interval] = std::max(arrivals.interval_peak[interval], level);
    arrivals.peak = std::max(arrivals.peak, level);
  }
}

void Footprint::on_free(std::uint64_t unlinked_at, std::uint64_t now) {
  now = std::max(now, unlinked_at);  // clocks of two CPUs may differ a little; no page is freed before it is retired
  Freer& freer = (*freers_)[freer_of_this_thread()];
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

Footprint::Level Footprint::level(const Arrivals& arrivals, const Departures& departures) const {
  Level level;
  const std::uint64_t at_start = arrivals.before - departures.before;
  level.series_peak.reserve(kIntervals);
  level.series_last.reserve(kIntervals);
  std::uint64_t now = at_start;
  for (std::size_t i = 0; i < kIntervals; ++i) {
    level.series_peak.push_back(std::max(arrivals.interval_peak[i], now));
    now = now + arrivals.count[i] - departures.count[i];
    level.series_last.push_back(now);
  }
  level.peak = std::max(arrivals.peak, at_start);
  // The integral of the level: what is there at the end for the whole window, less the time before each arrival, plus
  // the time before each departure. The sums of ticks pass 2^64 in a long run, and so modulo 2^64 throughout: exact as
  // long as the integral fits.
  const std::uint64_t length = window_.end() - window_.start();
  const std::uint64_t integral = now * length - arrivals.ticks_sum + departures.ticks_sum;
  level.mean = length == 0 ? 0 : static_cast<double>(integral) / static_cast<double>(length);
  return level;
}

Footprint::Result Footprint::result() const {
  Result result;
  Departures departures;
  for (const Freer& freer : *freers_) {
    departures.before += freer.before.load(std::memory_order_relaxed);
    departures.ticks_sum += freer.ticks_sum.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kIntervals; ++i) {
      departures.count[i] += freer.count[i].load(std::memory_order_relaxed);
    }
    result.freed_total += freer.total.load(std::memory_order_relaxed);
    result.freed_by_drain += freer.by_drain.load(std::memory_order_relaxed);
    result.free_ns.merge(freer.free_ns.snapshot());
  }
  result.unlinked = std::accumulate(unlinked_.count.begin(), unlinked_.count.end(), std::uint64_t{0});
  result.freed = std::accumulate(departures.count.begin(), departures.count.end(), std::uint64_t{0});
  result.retired = level(unlinked_, departures);
  result.shadow = level(allocated_, departures);
  return result;
}

}  // namespace shadowwalk
