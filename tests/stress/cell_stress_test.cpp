// Walkers and zappers of every variant at rates that no workload has, with full checks and stalled walkers: no used
// result may come from a freed page, and the negative control must be caught.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "tests/lab/chosen_variants.hpp"
#include "tests/lab/run_until.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;

/// Two walkers, most of whose walks stall between two levels for longer than a zap takes. At ten times the zaps, or
/// with more vCPUs than CPUs, walkers do little but fault and wait, and `unsafe` is seldom caught.
CellConfig hammer(std::string_view variant, std::string_view workload) {
  CellConfig config;
  config.name = "stress";
  config.variant = variant;
  config.workload = workload;
  config.vcpus = 2;
  config.zappers = 2;
  config.zap_rate = 2000;
  config.working_set = 3000;
  config.walks_per_exit = 256;
  config.full_checks = true;
  config.read_delay = {.one_in = 100, .stall_us = 300};
  // A ticket lock passes to a thread that has no CPU, and all wait for the scheduler: beside other load a cell is over
  // before its first walk.
  config.mmu_lock = MmuLockKind::mutex;
  config.warmup = 0ms;
  config.duration = 300ms;
  return config;
}

std::uint64_t violations_of(const CellConfig& config) {
  std::uint64_t violations = 0;
  for (int attempt = 0; attempt < 20 && violations == 0; ++attempt)
    violations = run_cell(prepare_cell(config)).counts.violations;
  return violations;
}

class Stress : public testing::TestWithParam<std::string> {};

TEST_P(Stress, NoUsedResultComesFromAFreedPage) {
  const VariantEntry& variant = *Registry::instance().find(GetParam());
  const bool everything = test::goes_through_everything(variant.info.name);
  // What frees pages most; each workload has its cells in tests/lab. What a workload stresses beside freeing is the
  // engine's: for most variants single pages and whole trees are enough.
  const std::vector<const char*> workloads =
      everything ? std::vector{"mmio-poll", "demand-fault", "memslot-flip"} : std::vector{"mmio-poll", "memslot-flip"};
  for (const char* workload : workloads) {
    const CellMeasurement cell = test::run_until(hammer(variant.info.name, workload), [](const CellMeasurement& tried) {
      return tried.walks != 0 && tried.mmu.footprint.unlinked != 0;
    });
    EXPECT_EQ(cell.counts.violations, 0u) << workload << ": " << cell.first_violation;
    EXPECT_GT(cell.walks, 0u) << workload;
    EXPECT_GT(cell.mmu.footprint.unlinked, 0u) << workload;
  }
}

INSTANTIATE_TEST_SUITE_P(Safe, Stress, testing::ValuesIn(test::safe_variants()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// 64 vCPUs on whatever CPUs there are: most are off their CPU inside a section, or wait to be interrupted.
TEST_P(Stress, ManyMoreVcpusThanCpus) {
  CellConfig config = hammer(GetParam(), "mmio-poll");
  config.vcpus = 64;
  config.zap_rate = 500;
  config.walks_per_exit = 16;
  config.read_delay = {};
  config.duration = 100ms;
  const CellMeasurement cell =
      test::run_until(config, [](const CellMeasurement& tried) { return tried.walks != 0 && tried.zaps_total != 0; });
  EXPECT_EQ(cell.counts.violations, 0u) << cell.first_violation;
  EXPECT_GT(cell.walks, 0u);
  EXPECT_GT(cell.zaps_total, 0u);
}

TEST(NegativeControl, UnsafeIsCaughtByEachWorkload) {
  for (const char* workload : {"mmio-poll", "demand-fault", "memslot-flip"}) {
    EXPECT_GT(violations_of(hammer("unsafe", workload)), 0u)
        << "a lab that does not catch `unsafe` is blind: " << workload;
  }
}

TEST(NegativeControl, UnsafeIsCaughtByPoisonAndLeavesAlone) {
  CellConfig config = hammer("unsafe", "mmio-poll");
  config.full_checks = false;
  EXPECT_GT(violations_of(config), 0u);
}

// Of the negative twins this one needs no store buffer and no luck: any two flushes between two guest entries do. The
// others are caught by verification (tests/verify), which owns the store buffers.
TEST(NegativeControl, EarlyReturnIsCaught) {
  CellConfig config = hammer("irq-ipi-early-return", "mmio-poll");
  config.vcpus = 1;
  config.walks_per_exit = 4096;
  EXPECT_GT(violations_of(config), 0u);
}

}  // namespace
}  // namespace shadowwalk
