#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "harness/machine/error.hpp"
#include "harness/projection/projection.hpp"
#include "harness/projection/topology_file.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::projection {
namespace {

using coherence::Topology;
using namespace std::chrono_literals;

CellConfig short_cell(std::string_view variant, unsigned vcpus, const std::string& workload = "mmio-poll") {
  CellConfig config;
  config.name = variant;
  config.variant = variant;
  config.workload = workload;
  config.vcpus = vcpus;
  config.zap_rate = 20'000;
  config.walks_per_exit = 64;
  config.warmup = 50us;
  config.duration = 300us;
  return config;
}

Projected project(const CellConfig& config) {
  static const Topology topology = load_topology("epyc-9005");
  return projected_variants().at(config.variant).project(config, topology);
}

class SimulatedCells : public testing::TestWithParam<std::string> {};

TEST_P(SimulatedCells, EachWorkloadWalksZapsAndFreesWithoutAViolation) {
  for (const char* workload : {"mmio-poll", "demand-fault", "memslot-flip", "dirty-log", "pagetable-churn", "boot"}) {
    SCOPED_TRACE(workload);
    CellConfig config = short_cell(GetParam(), 4, workload);
    config.working_set = 2048;
    if (load_workload(workload).host.empty()) config.zappers = 0;
    const Projected projected = project(config);
    EXPECT_GT(projected.cell.walks, 100u);
    EXPECT_EQ(projected.cell.counts.violations, 0u) << projected.cell.first_violation;
    if (config.zappers != 0) {
      EXPECT_GT(projected.cell.zaps_total, 0u);
    }
    EXPECT_GT(projected.cell.mmu.footprint.freed_total, 0u) << "the drain, at the latest";
  }
}

INSTANTIATE_TEST_SUITE_P(All, SimulatedCells,
                         testing::Values("rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "mutex", "leak"),
                         [](const auto& named) {
                           std::string name = named.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// Workloads are the engine's; a scheme's own part shows where single pages go, and whole trees.
TEST(SimulatedCell, EveryShippedVariantWalksZapsAndFrees) {
  for (const VariantEntry& variant : projected_variants().entries()) {
    if (!variant.info.safe || !variant.can_be_projected()) continue;
    SCOPED_TRACE(variant.info.name);
    for (const char* workload : {"mmio-poll", "memslot-flip"}) {
      const Projected projected = project(short_cell(variant.info.name, 3, workload));
      EXPECT_GT(projected.cell.walks, 20u) << workload;
      EXPECT_GT(projected.cell.zaps_total, 0u) << workload;
      EXPECT_EQ(projected.cell.counts.violations, 0u) << workload << ": " << projected.cell.first_violation;
    }
  }
}

TEST(SimulatedCell, TheSameSeedGivesTheSameFigures) {
  const auto figures = [](std::uint64_t seed) {
    CellConfig config = short_cell("rcu-counter", 8);
    config.seed = seed;
    const Topology topology = load_topology("spr-2s");
    const CellResult result =
        make_simulated_result(config, topology, projected_variants().at("rcu-counter").project(config, topology));
    return std::pair(result.counters, result.details["histograms"].dump());
  };
  const auto first = figures(1);
  EXPECT_EQ(figures(1), first);
  EXPECT_NE(figures(2), first);
}

TEST(SimulatedCell, ASharedCounterMovesItsLineAndAModeWordDoesNot) {
  CellConfig config = short_cell("rcu-counter", 32);
  config.zappers = 0;
  const auto transfers_per_walk = [&](const char* variant) {
    config.variant = variant;
    const Projected projected = project(config);
    return static_cast<double>(projected.line_transfers) / static_cast<double>(projected.cell.walks);
  };
  EXPECT_GT(transfers_per_walk("rcu-counter"), 0.5);
  EXPECT_LT(transfers_per_walk("irq-ipi"), 0.1);
  EXPECT_LT(transfers_per_walk("leak"), 0.1);
}

TEST(SimulatedCell, UnsafeIsCaught) {
  CellConfig config = short_cell("unsafe", 4);
  config.read_delay = {.one_in = 100, .stall_us = 5};  // no walk is so long by itself that a zap ends within it
  config.duration = 5ms;
  const Projected projected = project(config);
  EXPECT_GT(projected.cell.counts.stalls, 0u);
  EXPECT_GT(projected.cell.counts.violations, 0u)
      << projected.cell.walks << " walks, " << projected.cell.zaps << " zaps";
}

TEST(SimulatedCell, AResultSaysThatItIsSimulatedAndOnWhat) {
  const Topology topology = load_topology("epyc-9005");
  const CellConfig config = short_cell("irq-ipi", 4);
  const CellResult result = make_simulated_result(config, topology, project(config));
  EXPECT_EQ(result.details["simulated"]["topology"], "epyc-9005");
  EXPECT_EQ(result.details["simulated"]["model"], kModelVersion);
  EXPECT_EQ(result.details["simulated"]["ns"]["transfer"]["system"], 200.0);
  EXPECT_EQ(result.details["cell"]["guest"], "simulated");
  for (const char* name : {"walks_per_second", "walk_ns_mean", "line_transfers_per_walk", "commit_zap_ns_p50",
                           "free_ns_p50", "retired_bytes_peak", "violations", "ipis"}) {
    EXPECT_TRUE(result.counters.contains(name)) << name;
    EXPECT_FALSE(result.details["unavailable"].contains(name)) << name;
  }
  for (const char* of_the_host : {"rss_bytes", "sections_preempted", "oversubscribed"}) {
    EXPECT_FALSE(result.counters.contains(of_the_host)) << of_the_host;
    EXPECT_TRUE(result.details["unavailable"].contains(of_the_host)) << of_the_host;
  }
}

TEST(SimulatedCell, RefusesWhatItCannotSimulate) {
  const Topology topology = load_topology("spr-2s");
  EXPECT_THROW(check_projection(short_cell("leak", 300), topology), InputError);
  EXPECT_THROW(check_projection(short_cell("leak", 4, "oversubscribed"), topology), InputError);
  EXPECT_THROW(check_projection(short_cell("leak", 4, "stalled-walker"), topology), InputError);
  CellConfig config = short_cell("leak", 4, "dirty-log");
  config.zappers = 2;
  EXPECT_THROW(check_projection(config, topology), InputError);
}

}  // namespace
}  // namespace shadowwalk::projection
