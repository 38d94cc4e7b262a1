// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/lab/grace_period_record.hpp"

#include <algorithm>

namespace shadowwalk {

/// Both within the window; `to` is past `from`.
void GracePeriodRecord::add_under_way(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t length = window_.end() - window_.start();
  const auto border = [&](std::size_t interval) { return window_.start() + length * interval / kIntervals; };
  const std::size_t last = window_.part_of(to - 1, kIntervals);
  for (std::size_t i = window_.part_of(from, kIntervals); i <= last; ++i) {
    const std::uint64_t until = i == last ? to : std::clamp(border(i + 1), from, to);
    counts_.under_way[i] += until - from;
    from = until;
  }
}

std::uint64_t GracePeriodRecord::since_start(std::uint64_t ticks) const {
  return to_whole_ns_(std::clamp(ticks, window_.start(), window_.end()) - window_.start());
}

void GracePeriodRecord::on_grace_period(std::uint64_t began, std::uint64_t ended) {
  ended = std::max(ended, began);  // clocks of two CPUs may differ a little
  if (ended < window_.start() || began >= window_.end()) return;
  if (counts_.touched < kMostKept) counts_.each_ns[counts_.touched] = {since_start(began), since_start(ended)};
  ++counts_.touched;
  if (window_.contains(began)) {
    ++counts_.began[window_.part_of(began, kIntervals)];
    counts_.ns.record(to_whole_ns_(ended - began));
  }
  const std::uint64_t from = std::max(began, window_.start());
  const std::uint64_t to = std::min(ended, window_.end());
  if (from < to) add_under_way(from, to);
}

}  // namespace shadowwalk
