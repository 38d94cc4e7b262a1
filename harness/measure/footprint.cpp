#include "harness/measure/footprint.hpp"

#include <algorithm>

namespace shadowwalk {

std::size_t Footprint::interval_of(std::uint64_t now) const {
  const std::uint64_t length = window_.end() - window_.start();
  const double part = static_cast<double>(now - window_.start()) / static_cast<double>(length);
  return std::min(kIntervals - 1, static_cast<std::size_t>(part * kIntervals));
}

void Footprint::on_allocate(std::uint64_t now) {
  const std::uint64_t shadow = shadow_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (now < window_.start()) {
    ++allocated_before_;
  } else if (now < window_.end()) {
    shadow_peak_ = std::max(shadow_peak_, shadow);
  }
}

void Footprint::on_unlink(std::uint64_t now) {
  const std::uint64_t retired = retired_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (now < window_.start()) {
    ++unlinked_before_;
  } else if (now < window_.end()) {
    const std::size_t interval = interval_of(now);
    ++unlinked_[interval];
    unlink_ticks_sum_ += now - window_.start();
    peak_[interval] = std::max(peak_[interval], retired);
    retired_peak_ = std::max(retired_peak_, retired);
  }
}

void Footprint::on_free(std::uint64_t unlinked_at, std::uint64_t now) {
  now = std::max(now, unlinked_at);  // clocks of two CPUs may differ a little; no page is freed before it is retired
  retired_.fetch_sub(1, std::memory_order_relaxed);
  shadow_.fetch_sub(1, std::memory_order_relaxed);
  freed_total_.fetch_add(1, std::memory_order_relaxed);
  if (now < window_.start()) {
    freed_before_.fetch_add(1, std::memory_order_relaxed);
  } else if (now < window_.end()) {
    freed_[interval_of(now)].fetch_add(1, std::memory_order_relaxed);
    free_ticks_sum_.fetch_add(now - window_.start(), std::memory_order_relaxed);
  }
  if (!window_.contains(unlinked_at)) return;
  if (draining_.load(std::memory_order_relaxed)) {
    freed_by_drain_.fetch_add(1, std::memory_order_relaxed);
  } else {
    free_ns_.record(static_cast<std::uint64_t>(static_cast<double>(now - unlinked_at) * ns_per_tick_));
  }
}

Footprint::Result Footprint::result() const {
  Result result;
  const std::uint64_t retired_at_start = unlinked_before_ - freed_before_.load(std::memory_order_relaxed);
  result.series_peak.reserve(kIntervals);
  result.series_last.reserve(kIntervals);
  std::uint64_t retired = retired_at_start;
  for (std::size_t i = 0; i < kIntervals; ++i) {
    const std::uint64_t freed = freed_[i].load(std::memory_order_relaxed);
    result.series_peak.push_back(std::max(peak_[i], retired));
    retired = retired + unlinked_[i] - freed;
    result.series_last.push_back(retired);
    result.unlinked += unlinked_[i];
    result.freed += freed;
  }
  // The integral of retired(t): what was there at the start, plus each unlink, less each free, for the time left.
  // The sums of ticks pass 2^64 in a long run, and so modulo 2^64 throughout: exact as long as the integral fits.
  const std::uint64_t length = window_.end() - window_.start();
  const std::uint64_t integral = (retired_at_start + result.unlinked - result.freed) * length - unlink_ticks_sum_ +
                                 free_ticks_sum_.load(std::memory_order_relaxed);
  result.retired_mean = length == 0 ? 0 : static_cast<double>(integral) / static_cast<double>(length);
  result.retired_peak = std::max(retired_peak_, retired_at_start);
  result.shadow_peak = std::max(shadow_peak_, allocated_before_ - freed_before_.load(std::memory_order_relaxed));
  result.freed_total = freed_total_.load(std::memory_order_relaxed);
  result.freed_by_drain = freed_by_drain_.load(std::memory_order_relaxed);
  result.free_ns = free_ns_.snapshot();
  return result;
}

}  // namespace shadowwalk
