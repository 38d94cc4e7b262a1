#include "harness/lab/grace_period_record.hpp"

namespace shadowwalk {

GracePeriodRecord::Result GracePeriodRecord::result() const {
  Result result{.ns = counts_.ns,
                .began = {counts_.began.begin(), counts_.began.end()},
                .under_way_ns = {},
                .touched = counts_.touched,
                .each = {}};
  constexpr std::uint64_t kMany = 1'000'000;
  const double ns_per_tick = static_cast<double>(to_whole_ns_(kMany)) / static_cast<double>(kMany);
  for (const std::uint64_t ticks : counts_.under_way) {
    result.under_way_ns.push_back(static_cast<double>(ticks) * ns_per_tick);
  }
  if (counts_.touched > kMostKept) return result;
  for (std::size_t i = 0; i < counts_.touched; ++i) {
    const auto& [began, ended] = counts_.each_ns[i];
    result.each.emplace_back(static_cast<double>(began), static_cast<double>(ended));
  }
  return result;
}

}  // namespace shadowwalk
