#include "harness/lab/grace_period_record.hpp"

namespace shadowwalk {

GracePeriodRecord::Result GracePeriodRecord::result_of(const Counts& counts) {
  Result result{.ns = counts.ns,
                .began = {counts.began.begin(), counts.began.end()},
                .under_way_ns = {counts.under_way_ns.begin(), counts.under_way_ns.end()},
                .touched = counts.touched,
                .each = {}};
  if (counts.touched > kMostKept) return result;
  for (std::size_t i = 0; i < counts.touched; ++i) {
    const auto& [began, ended] = counts.each_ns[i];
    result.each.emplace_back(static_cast<double>(began), static_cast<double>(ended));
  }
  return result;
}

}  // namespace shadowwalk
