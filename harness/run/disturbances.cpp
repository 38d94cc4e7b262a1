#include "harness/run/disturbances.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace shadowwalk::run {

Disturbances count_disturbances(const std::map<Measurement, StoredResult>& results,
                                const std::map<Measurement, unsigned>& set_aside) {
  Disturbances all;
  std::map<std::string, std::pair<std::size_t, std::string>> reasons;  // without numbers: how often, the first
  for (const auto& [measurement, result] : results) {
    ++(result.noisy ? all.noisy : all.quiet);
    all.saturated += result.saturated;
    all.oversubscribed += result.oversubscribed;
    all.measured_again += set_aside.contains(measurement);
    for (const std::string& reason : result.noise_reasons) {
      std::string kind;
      std::remove_copy_if(reason.begin(), reason.end(), std::back_inserter(kind),
                          [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
      auto& [count, first] = reasons[kind];
      if (count++ == 0) first = reason;
    }
  }
  const auto most = std::max_element(reasons.begin(), reasons.end(),
                                     [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
  if (most != reasons.end()) all.usual_reason = most->second.second;
  return all;
}

std::vector<std::string> disturbance_summary(const Disturbances& disturbances, std::size_t waits_in_vain,
                                             const std::string& unquiet_reason) {
  if (disturbances.quiet + disturbances.noisy == 0) return {};
  std::string line = fmt::format("{} quiet, {} noisy", disturbances.quiet, disturbances.noisy);
  if (disturbances.measured_again > 0) line += fmt::format(", {} measured again", disturbances.measured_again);
  if (disturbances.saturated > 0) line += fmt::format(", {} saturated", disturbances.saturated);
  if (disturbances.oversubscribed > 0) line += fmt::format(", {} oversubscribed", disturbances.oversubscribed);
  if (waits_in_vain > 0)
    line += fmt::format("; {} wait{} for a quiet host {} in vain", waits_in_vain, waits_in_vain == 1 ? "" : "s",
                        waits_in_vain == 1 ? "was" : "were");

  std::vector<std::string> help;
  const std::string& reason = disturbances.usual_reason.empty() ? unquiet_reason : disturbances.usual_reason;
  if ((disturbances.noisy > 0 || waits_in_vain > 0) && !reason.empty()) {
    help.push_back(fmt::format("end what disturbs ({}), or raise --quiet-wait and --retry-noisy", reason));
  }
  if (disturbances.saturated > 0) help.emplace_back("lower zap rates");
  if (disturbances.oversubscribed > 0) help.emplace_back("take fewer vCPUs, or more CPUs");
  if (help.empty()) return {line};
  return {line, fmt::format("it would help to {}", fmt::join(help, "; to "))};
}

}  // namespace shadowwalk::run
