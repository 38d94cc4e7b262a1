#include "harness/lab/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;

struct CellCase {
  std::string_view variant;
  std::string_view workload;
  GuestKind guest;
};

std::string name_of(const testing::TestParamInfo<CellCase>& info) {
  std::string name =
      std::string(info.param.variant) + "_" + std::string(info.param.workload) + "_" + to_string(info.param.guest);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<CellCase> cases() {
  std::vector<CellCase> all;
  for (const VariantEntry& variant : Registry::instance().entries()) {
    for (const Workload& workload : workloads()) {
      for (const GuestKind guest : {GuestKind::thread, GuestKind::kvm}) {
        if (variant.info.safe && variant.can_zap) all.push_back({variant.info.name, workload.name, guest});
      }
    }
  }
  return all;
}

CellConfig short_cell(const CellCase& cell) {
  CellConfig config;
  config.name = "test";
  config.variant = cell.variant;
  config.workload = cell.workload;
  config.guest = cell.guest;
  config.warmup = 20ms;
  config.duration = 150ms;
  config.full_checks = true;
  // Easy to keep up with on a busy machine: a saturated zapper would hardly let a burst through.
  config.zap_rate = 40;
  config.walks_per_exit = 64;
  config.working_set = 1024;
  return config;
}

/// Runs the cell for longer until it did something in its window: on a busy machine, and under a sanitizer, a short
/// window can pass without a burst.
CellMeasurement run_until_busy(CellConfig config) {
  for (;;) {
    CellMeasurement cell = run_cell(config);
    if ((cell.walks > 0 && cell.exits > 0 && cell.zaps > 0) || config.duration > 20s) return cell;
    config.duration *= 4;
  }
}

class EveryCell : public testing::TestWithParam<CellCase> {};

TEST_P(EveryCell, WalksZapsAndFreesWithoutAViolation) {
  if (GetParam().guest == GuestKind::kvm && !kvm_unavailable_reason().empty()) GTEST_SKIP() << kvm_unavailable_reason();
  const CellMeasurement cell = run_until_busy(short_cell(GetParam()));
  EXPECT_EQ(cell.violations, 0u) << cell.first_violation;
  EXPECT_GT(cell.exits, 0u);
  EXPECT_GT(cell.walks, 0u);
  EXPECT_GT(cell.zaps, 0u);
  const Footprint::Result& pages = cell.footprint;
  EXPECT_GE(pages.freed_total, pages.unlinked) << "the drain frees what is left";
  EXPECT_EQ(pages.free_ns.count() + pages.freed_by_drain, pages.unlinked) << "each page of the window once";
  EXPECT_EQ(pages.series_last.size(), Footprint::kIntervals);
}

INSTANTIATE_TEST_SUITE_P(All, EveryCell, testing::ValuesIn(cases()), name_of);

TEST(Cell, FloorWalksWithoutAnEngine) {
  CellConfig config = short_cell({"floor", "mmio-poll", GuestKind::thread});
  config.zappers = 0;
  CellMeasurement cell = run_cell(config);
  while (cell.walks == 0 && config.duration < 5s) {
    config.duration *= 4;
    cell = run_cell(config);
  }
  EXPECT_GT(cell.walks, 0u);
  EXPECT_EQ(cell.footprint.freed_total, 0u);
  config.zappers = 1;
  EXPECT_THROW(run_cell(config), InputError);
}

TEST(Cell, UnknownNamesAreRefused) {
  CellConfig config = short_cell({"floor", "mmio-poll", GuestKind::thread});
  config.variant = "rcu-conter";
  EXPECT_THROW(run_cell(config), InputError);
  config.variant = "leak";
  config.workload = "mmio";
  EXPECT_THROW(run_cell(config), InputError);
}

TEST(Cell, FaithfulPathIsOneWalkAnExit) {
  CellConfig config = short_cell({"irq-ipi", "mmio-poll", GuestKind::thread});
  config.walks_per_exit = 1;
  const CellMeasurement cell = run_until_busy(config);
  EXPECT_GT(cell.walks, 0u);
  EXPECT_LE(cell.walks, cell.exits);
}

TEST(Cell, ReclaimerIsPlacedOnlyWhereThereIsOne) {
  CellConfig config = short_cell({"rcu-counter", "mmio-poll", GuestKind::thread});
  EXPECT_TRUE(run_cell(config).placement.contains("reclaim-0"));
  config.variant = "irq-ipi";
  EXPECT_FALSE(run_cell(config).placement.contains("reclaim-0"));
}

TEST(Cell, MoreThreadsThanCpusIsSaid) {
  CellConfig config = short_cell({"irq-ipi", "mmio-poll", GuestKind::thread});
  config.placement = "0";
  const CellMeasurement cell = run_cell(config);
  EXPECT_TRUE(cell.oversubscribed);
  EXPECT_EQ(cell.placement.at("vcpu-0"), 0u);
  EXPECT_EQ(cell.placement.at("zapper-0"), 0u);
}

}  // namespace
}  // namespace shadowwalk
