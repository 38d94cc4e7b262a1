#include "harness/doctor/topology.hpp"

#include <algorithm>

#include "harness/machine/error.hpp"

namespace shadowwalk::doctor {

std::string_view name_of(Tier tier) {
  constexpr std::string_view kNames[] = {"same core", "same L3", "same socket", "other socket"};
  return kNames[static_cast<std::size_t>(tier)];
}

Tier tier_of(const HardwareThread& a, const HardwareThread& b) {
  if (a.core == b.core) return Tier::core;
  if (a.llc == b.llc) return Tier::llc;
  return a.package == b.package ? Tier::package : Tier::system;
}

Topology measure_topology(const std::vector<HardwareThread>& cpus, const MeasurePair& measure) {
  Topology topology{.cpus = cpus, .pairs = {}};
  for (std::size_t j = 1; j < cpus.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      MeasuredPair pair{
          .a = cpus[i].cpu, .b = cpus[j].cpu, .tier = tier_of(cpus[i], cpus[j]), .transfer = {}, .unavailable = {}};
      try {
        pair.transfer = measure(pair.a, pair.b);
      } catch (const CellError& error) {
        pair.unavailable = error.what();
      }
      topology.pairs.push_back(std::move(pair));
    }
  }
  return topology;
}

std::chrono::nanoseconds expected_time(std::size_t cpus) {
  constexpr std::chrono::nanoseconds kThreads = std::chrono::microseconds(500);  // starting, pinning and joining two
  return static_cast<std::int64_t>(cpus * (cpus - std::min<std::size_t>(cpus, 1)) / 2) *
         (kLineTransferBudget + kThreads);
}

std::vector<TierSummary> summarize_tiers(const Topology& topology) {
  std::vector<TierSummary> summaries;
  for (const Tier tier : {Tier::core, Tier::llc, Tier::package, Tier::system}) {
    std::vector<double> medians;
    for (const MeasuredPair& pair : topology.pairs) {
      if (pair.tier == tier && pair.transfer) medians.push_back(pair.transfer->median_ns);
    }
    if (medians.empty()) continue;
    std::sort(medians.begin(), medians.end());
    const std::size_t middle = medians.size() / 2;
    const double median = medians.size() % 2 != 0 ? medians[middle] : (medians[middle - 1] + medians[middle]) / 2;
    summaries.push_back({tier, medians.size(), medians.front(), median, medians.back()});
  }
  return summaries;
}

}  // namespace shadowwalk::doctor
