#include "harness/projection/host_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/error.hpp"
#include "harness/projection/projection.hpp"

namespace shadowwalk::projection {
namespace {

constexpr std::array<std::string_view, 3> kVariants{"leak", "rcu-counter", "irq-ipi"};
using WalkNs = std::array<double, kVariants.size()>;

CellConfig cell_config(std::string_view variant, unsigned vcpus) {
  CellConfig config;
  config.name = variant;
  config.variant = variant;
  config.workload = "mmio-poll";
  config.vcpus = vcpus;
  config.zappers = 0;
  config.instrumentation = Instrumentation::light;
  config.warmup = std::chrono::milliseconds(50);
  config.duration = std::chrono::milliseconds(200);
  return config;
}

double walk_ns(const CellMeasurement& cell) {
  if (cell.walks == 0) throw CellError("no burst of walks began and ended in the window: the host is too busy");
  return cell.walk_ns_total / static_cast<double>(cell.walks);
}

double ratio(const WalkNs& ns) { return (ns[1] - ns[0]) / (ns[2] - ns[0]); }

double simulated_ratio(const coherence::Topology& host, unsigned vcpus) {
  WalkNs ns{};
  for (std::size_t i = 0; i < kVariants.size(); ++i) {
    CellConfig config = cell_config(kVariants[i], vcpus);
    config.warmup = std::chrono::microseconds(200);
    config.duration = std::chrono::microseconds(1000);
    ns[i] = walk_ns(find_projected(kVariants[i])->project(config, host).cell);
  }
  return ratio(ns);
}

/// One ratio per round, sorted.
std::vector<double> measured_ratios(unsigned vcpus, unsigned rounds) {
  std::vector<double> ratios;
  for (unsigned round = 0; round < rounds; ++round) {
    WalkNs ns{};
    for (std::size_t i = 0; i < kVariants.size(); ++i)
      ns[i] = walk_ns(run_cell(prepare_cell(cell_config(kVariants[i], vcpus))));
    ratios.push_back(ratio(ns));
  }
  std::ranges::sort(ratios);
  return ratios;
}

}  // namespace

HostComparison compare_with_host(const coherence::Topology& host, unsigned rounds) {
  HostComparison comparison;
  for (const unsigned vcpus : {1u, 2u}) {
    if (vcpus > host.cpus()) {
      comparison.missing = fmt::format("{} vCPUs were not compared: the host has {} CPU", vcpus, host.cpus());
      continue;
    }
    const std::vector<double> measured = measured_ratios(vcpus, rounds);
    comparison.rows.push_back({.vcpus = vcpus,
                               .simulated_ratio = simulated_ratio(host, vcpus),
                               .measured_ratio = measured[measured.size() / 2],
                               .measured_least = measured.front(),
                               .measured_greatest = measured.back()});
  }
  return comparison;
}

}  // namespace shadowwalk::projection
