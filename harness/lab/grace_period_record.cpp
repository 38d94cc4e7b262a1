#include "harness/lab/grace_period_record.hpp"

#include <algorithm>

namespace shadowwalk {

std::size_t GracePeriodRecord::interval_of(std::uint64_t ticks) const {
  const auto length = static_cast<double>(window_.end() - window_.start());
  const double part = static_cast<double>(ticks - window_.start()) / length;
  return std::min(kIntervals - 1, static_cast<std::size_t>(part * kIntervals));
}

/// Both within the window; `to` is past `from`.
void GracePeriodRecord::add_under_way(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t length = window_.end() - window_.start();
  const auto border = [&](std::size_t interval) {
    return window_.start() + static_cast<std::uint64_t>(static_cast<double>(length) * static_cast<double>(interval) /
                                                        static_cast<double>(kIntervals));
  };
  const std::size_t last = interval_of(to - 1);
  for (std::size_t i = interval_of(from); i <= last; ++i) {
    const std::uint64_t until = i == last ? to : std::clamp(border(i + 1), from, to);
    under_way_[i] += until - from;
    from = until;
  }
}

void GracePeriodRecord::on_grace_period(std::uint64_t began, std::uint64_t ended) {
  ended = std::max(ended, began);  // clocks of two CPUs may differ a little
  if (ended < window_.start() || began >= window_.end()) return;
  if (touched_ < kMostKept) first_[touched_] = {began, ended};
  ++touched_;
  if (window_.contains(began)) {
    ++began_[interval_of(began)];
    ns_.record(static_cast<std::uint64_t>(static_cast<double>(ended - began) * ns_per_tick_));
  }
  const std::uint64_t from = std::max(began, window_.start());
  const std::uint64_t to = std::min(ended, window_.end());
  if (from < to) add_under_way(from, to);
}

GracePeriodRecord::Result GracePeriodRecord::result() const {
  Result result{
      .ns = ns_, .began = {began_.begin(), began_.end()}, .under_way_ns = {}, .touched = touched_, .each = {}};
  for (const std::uint64_t ticks : under_way_) {
    result.under_way_ns.push_back(static_cast<double>(ticks) * ns_per_tick_);
  }
  if (touched_ > kMostKept) return result;
  const auto since_start = [&](std::uint64_t ticks) {
    const std::uint64_t inside = std::clamp(ticks, window_.start(), window_.end());
    return static_cast<double>(inside - window_.start()) * ns_per_tick_;
  };
  for (std::size_t i = 0; i < touched_; ++i) {
    result.each.emplace_back(since_start(first_[i].first), since_start(first_[i].second));
  }
  return result;
}

}  // namespace shadowwalk
