#include "harness/lab/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/kernel_grace_period.hpp"
#include "harness/os/allowed_cpus.hpp"
#include "tests/lab/chosen_variants.hpp"
#include "tests/lab/run_until.hpp"
#include "tests/rounds.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;

struct CellCase {
  std::string_view variant;
  std::string_view workload;
  GuestKind guest;
};

std::string case_name(const testing::TestParamInfo<CellCase>& info) {
  std::string name =
      std::string(info.param.variant) + "_" + std::string(info.param.workload) + "_" + to_string(info.param.guest);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// Every workload x both guests x the variants that go through everything. With a sanitizer each variant meets each
/// workload once, by one guest or the other in turn: what depends on the guest is the same for all variants.
std::vector<CellCase> every_workload() {
  std::vector<CellCase> all;
  std::size_t number = 0;
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!test::goes_through_everything(variant.info.name)) continue;
    for (const Workload& workload : workloads()) {
      for (const GuestKind guest : {GuestKind::thread, GuestKind::kvm}) {
        if (test::kSanitized && (number % 2 == 0) != (guest == GuestKind::thread)) continue;
        all.push_back({variant.info.name, workload.name, guest});
      }
      ++number;
    }
    ++number;  // so that the next variant meets the first workload by the other guest
  }
  return all;
}
/// vCPUs that zap, by a thread guest.
std::vector<CellCase> other_variants() {
  std::vector<CellCase> all;
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!variant.info.safe || !variant.can_zap || test::goes_through_everything(variant.info.name)) continue;
    if (why_unavailable(variant.info).empty()) all.push_back({variant.info.name, "pagetable-churn", GuestKind::thread});
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
  const Workload* workload = find_workload(cell.workload);
  config.working_set = 1024;
  if (workload->host.empty()) {  // then the guest does the zapping, and needs its own size for that
    config.working_set = workload->working_set;
    config.zappers = 0;
  }
  return config;
}

/// Whether the cell did in its window what it is about.
bool is_busy(const CellMeasurement& cell, const CellConfig& config) {
  return cell.walks > 0 && cell.exits > 0 && (cell.zaps > 0 || config.zappers == 0);
}

CellMeasurement run_until_busy(const CellConfig& config) {
  return test::run_until(config, [&](const CellMeasurement& cell) { return is_busy(cell, config); });
}

/// Each histogram holds what its counter counts: nothing is clocked that is not counted, and the other way round.
void expect_histograms_of_what_is_counted(const CellMeasurement& cell, GuestKind guest) {
  EXPECT_EQ(cell.exit_ns.count(), cell.exits);
  EXPECT_GT(cell.zap_ns.count(), 0u);
  EXPECT_GE(cell.zaps_unfinished + cell.zaps + cell.zaps_empty, cell.zap_ns.count())
      << "those that were to start in the window ended in it or did not";
  EXPECT_LE(cell.zap_service_ns.count(), cell.zaps_total);
  EXPECT_GT(cell.mmu.zap_times.prepare_ns.count(), 0u);
  EXPECT_GE(cell.mmu.zap_times.commit_ns.count(), cell.mmu.zap_times.prepare_ns.count());
  EXPECT_GT(cell.section_ns.count(), 0u);
  EXPECT_GT(cell.walk_ns.count(), 0u);
  EXPECT_GT(cell.host.rss_bytes.after, 0u);
  if (guest == GuestKind::kvm) {
    EXPECT_TRUE(cell.host.kvm_statistics_missing.empty()) << cell.host.kvm_statistics_missing;
    EXPECT_GT(cell.host.kvm_statistics.at("exits").delta(), 0);
  } else {
    EXPECT_FALSE(cell.host.kvm_statistics_missing.empty());
  }
}

class EveryCell : public testing::TestWithParam<CellCase> {};

TEST_P(EveryCell, WalksZapsAndFreesWithoutAViolation) {
  if (GetParam().guest == GuestKind::kvm && !kvm_unavailable_reason().empty()) GTEST_SKIP() << kvm_unavailable_reason();
  const CellConfig config = short_cell(GetParam());
  const bool zaps_steadily = GetParam().workload == "mmio-poll" || GetParam().workload == "memslot-flip";
  const CellMeasurement cell = test::run_until(config, [&](const CellMeasurement& tried) {
    const bool sampled = tried.section_ns.count() > 0 && tried.walk_ns.count() > 0;  // one walk in many
    return is_busy(tried, config) && (sampled || !zaps_steadily);
  });
  EXPECT_EQ(cell.counts.violations, 0u) << cell.first_violation;
  EXPECT_GT(cell.exits, 0u);
  EXPECT_GT(cell.walks, 0u);
  const Footprint::Result& pages = cell.mmu.footprint;
  EXPECT_GE(pages.freed_total, pages.unlinked) << "the drain frees what is left";
  EXPECT_EQ(pages.free_ns.count() + pages.freed_by_drain, pages.unlinked) << "each page of the window once";
  EXPECT_EQ(pages.retired.series_last.size(), Footprint::kIntervals);
  EXPECT_GE(pages.shadow.peak, pages.retired.peak) << "retired pages are not yet freed";
  if (zaps_steadily) expect_histograms_of_what_is_counted(cell, GetParam().guest);
}

INSTANTIATE_TEST_SUITE_P(All, EveryCell, testing::ValuesIn(every_workload()), case_name);
INSTANTIATE_TEST_SUITE_P(OtherVariants, EveryCell, testing::ValuesIn(other_variants()), case_name);

TEST(Cell, FloorWalksWithoutAnEngine) {
  CellConfig config = short_cell({"floor", "mmio-poll", GuestKind::thread});
  config.vcpus = 2;  // that fault into one tree at the same time
  config.zappers = 0;
  const CellMeasurement cell = run_until_busy(config);
  EXPECT_GT(cell.walks, 0u);
  EXPECT_EQ(cell.mmu.footprint.freed_total, 0u);
  config.zappers = 1;
  EXPECT_THROW(run_cell(prepare_cell(config)), InputError);
}

TEST(Cell, UnknownNamesAreRefused) {
  CellConfig config = short_cell({"floor", "mmio-poll", GuestKind::thread});
  config.variant = "rcu-conter";
  EXPECT_THROW(run_cell(prepare_cell(config)), InputError);
  config.variant = "leak";
  config.workload = "mmio";
  EXPECT_THROW(run_cell(prepare_cell(config)), InputError);
}

TEST(Cell, FaithfulPathIsOneWalkAnExit) {
  CellConfig config = short_cell({"irq-ipi", "mmio-poll", GuestKind::thread});
  config.walks_per_exit = 1;
  const CellMeasurement cell = run_until_busy(config);
  EXPECT_GT(cell.walks, 0u);
  EXPECT_LE(cell.walks, cell.exits);
}

TEST(Cell, ThinkingIsInNoWalksTime) {
  CellConfig config = short_cell({"irq-ipi", "mmio-poll", GuestKind::thread});
  config.think_ns = 5'000'000;
  const auto thought_ns = [&](const CellMeasurement& cell) {
    return static_cast<double>(cell.exits) * static_cast<double>(config.think_ns);
  };
  const CellMeasurement cell = test::run_until(config, [&](const CellMeasurement& measured) {
    return measured.walks > 0 && measured.walk_ns_total < thought_ns(measured) / 2;
  });
  EXPECT_GT(cell.walks, 0u);
  EXPECT_LT(cell.walk_ns_total, thought_ns(cell) / 2);
  // One burst per 5 ms at most, and one that begins with the window.
  EXPECT_LE(cell.walks, (cell.duration_s * 1e9 / static_cast<double>(config.think_ns) + 2) * config.walks_per_exit);
}

TEST(Cell, ReclaimerIsPlacedOnlyWhereThereIsOne) {
  CellConfig config = short_cell({"rcu-counter", "mmio-poll", GuestKind::thread});
  EXPECT_TRUE(run_cell(prepare_cell(config)).placement.contains("reclaim-0"));
  config.variant = "irq-ipi";
  EXPECT_FALSE(run_cell(prepare_cell(config)).placement.contains("reclaim-0"));
}

TEST(Cell, AReclaimerOnABusyCpuIsFlagged) {
  CellConfig config = short_cell({"rcu-counter", "mmio-poll", GuestKind::thread});
  config.placement = std::to_string(os::allowed_cpus().front());
  const CellMeasurement cell = run_cell(prepare_cell(config));
  EXPECT_EQ(cell.reclaimer_shares_cpu, true);
  EXPECT_EQ(cell.placement.at("reclaim-0"), cell.placement.at("zapper-0"));
  config.zappers = 0;
  EXPECT_EQ(run_cell(prepare_cell(config)).reclaimer_shares_cpu, false) << "it sleeps: nothing is zapped";
  config.placement = "none";
  EXPECT_EQ(run_cell(prepare_cell(config)).reclaimer_shares_cpu, std::nullopt);
  config.placement = "auto";
  config.variant = "irq-ipi";
  EXPECT_EQ(run_cell(prepare_cell(config)).reclaimer_shares_cpu, std::nullopt) << "it has none";
}

TEST(Cell, OnlyWhatThreadsShareIsMadeOnVcpu0sCpu) {
  const std::vector<unsigned> allowed = os::allowed_cpus();
  CellConfig config = short_cell({"rcu-counter", "mmio-poll", GuestKind::thread});
  std::vector<unsigned> while_threads_run;
  config.on_ready = [&] { while_threads_run = os::allowed_cpus(); };
  const CellMeasurement cell = run_cell(prepare_cell(config));
  EXPECT_EQ(while_threads_run, allowed);
  EXPECT_EQ(cell.noise.cpus, allowed.size());
  EXPECT_EQ(os::allowed_cpus(), allowed);
}

TEST(Cell, GracePeriodsOfTheWindowAreTimed) {
  CellConfig config = short_cell({"rcu-counter", "mmio-poll", GuestKind::thread});
  config.vcpus = 2;  // zaps of one meet the other within a walk
  config.zap_rate = 2000;
  const CellMeasurement cell = test::run_until(config, [](const CellMeasurement& tried) {
    return tried.grace_period_times && tried.grace_period_times->ns.count() > 0;
  });
  const GracePeriodRecord::Result& times = *cell.grace_period_times;
  EXPECT_LE(times.touched, cell.grace_periods);
  EXPECT_EQ(std::accumulate(times.began.begin(), times.began.end(), std::uint64_t{0}), times.ns.count());
  const double under_way = std::accumulate(times.under_way_ns.begin(), times.under_way_ns.end(), 0.0);
  EXPECT_GT(under_way, 0);
  EXPECT_LE(under_way, cell.duration_s * 1e9 * 1.001);
  config.variant = "irq-ipi";
  EXPECT_FALSE(run_cell(prepare_cell(config)).grace_period_times);
}

// Memory that outlives its commit: none by construction where commit() frees. In front of the reclaimer the readers are
// in the counter whatever is zapped.
TEST(Cell, OnlySchemesThatLeaveCommitEarlyDeferMemory) {
  CellConfig config = short_cell({"rcu-counter", "mmio-beside-reclaim", GuestKind::thread});
  config.working_set = 1 << 16;
  config.rcu_interval.time = 1ms;
  const CellMeasurement deferring = test::run_until(config, [](const CellMeasurement& tried) {
    return tried.mmu.footprint.deferred.peak > 0 && tried.mmu.footprint.deferred_free_ns.count() > 0;
  });
  const Footprint::Result& pages = deferring.mmu.footprint;
  EXPECT_GT(pages.deferred.peak, 0u);
  EXPECT_LE(pages.deferred.peak, pages.retired.peak);
  EXPECT_LE(pages.deferred.mean, pages.retired.mean);
  EXPECT_GT(pages.deferred_free_ns.count(), 0u);
  EXPECT_LE(pages.deferred_free_ns.count(), pages.free_ns.count());
  config.variant = "irq-ipi";
  const CellMeasurement synchronous = run_until_busy(config);
  EXPECT_GT(synchronous.mmu.footprint.retired.peak, 0u);
  EXPECT_EQ(synchronous.mmu.footprint.deferred.peak, 0u);
  EXPECT_EQ(synchronous.mmu.footprint.deferred.mean, 0);
  EXPECT_EQ(synchronous.mmu.footprint.deferred_free_ns.count(), 0u);
}

TEST(Cell, RunsAtTheKernelsGracePeriodsOrSaysWhyNot) {
  CellConfig config = short_cell({"rcu-counter", "mmio-beside-reclaim", GuestKind::thread});
  config.rcu_interval.of_kernel = true;
  if (const std::string reason = why_no_kernel_grace_period(); !reason.empty()) {
    EXPECT_THROW(prepare_cell(config), InputError);
    GTEST_SKIP() << reason;
  }
  const CellMeasurement cell = test::run_until(config, [](const CellMeasurement& tried) {
    return tried.grace_period_times && tried.grace_period_times->ns.count() > 0;
  });
  EXPECT_GT(cell.grace_period_times->ns.count(), 0u);
  EXPECT_EQ(cell.counts.violations, 0u) << cell.first_violation;
}

TEST(Cell, LatencyIsNotTakenOfWalksThatAreNotTimed) {
  CellConfig config = short_cell({"leak", "mmio-poll", GuestKind::thread});
  config.walk_mode = WalkMode::latency;
  EXPECT_THROW(prepare_cell(config), InputError) << "full checks";
  config.full_checks = false;
  EXPECT_GT(run_until_busy(config).walks, 0u);
  config.variant = "floor";
  config.zappers = 0;
  EXPECT_GT(run_until_busy(config).walks, 0u);
  config.read_delay = {.one_in = 10, .stall_us = 1};
  EXPECT_THROW(prepare_cell(config), InputError);
}

TEST(Cell, NothingIsClockedAtInstrumentationNone) {
  CellConfig config = short_cell({"rcu-counter", "mmio-poll", GuestKind::thread});
  config.instrumentation = Instrumentation::none;
  const CellMeasurement cell = run_until_busy(config);
  EXPECT_GT(cell.walks, 0u);
  EXPECT_EQ(cell.counts.violations, 0u);
  EXPECT_GT(cell.mmu.footprint.freed_total, 0u) << "pages are still counted: the drain proves that none is lost";
  EXPECT_EQ(cell.walk_ns_total, 0);
  EXPECT_FALSE(cell.grace_period_times);
  for (const Histogram* histogram :
       {&cell.walk_ns, &cell.section_ns, &cell.fault_ns, &cell.exit_ns, &cell.zap_ns, &cell.zap_service_ns,
        &cell.mmu.zap_times.prepare_ns, &cell.mmu.zap_times.commit_ns, &cell.mmu.lock_wait_ns, &cell.mmu.lock_hold_ns,
        &cell.ipi_ns, &cell.mmu.footprint.free_ns}) {
    EXPECT_EQ(histogram->count(), 0u);
  }
}

TEST(Cell, LineBetweenTwoVcpusIsMeasured) {
  CellConfig config = short_cell({"irq-ipi", "mmio-poll", GuestKind::thread});
  config.zappers = 0;
  EXPECT_EQ(run_cell(prepare_cell(config)).line_transfer_missing, "only taken with 2 vCPUs and no zappers");
  config.vcpus = 2;
  config.placement = "none";
  EXPECT_EQ(run_cell(prepare_cell(config)).line_transfer_missing, "the vCPUs are not pinned to a CPU each");
  config.placement = "auto";
  const CellMeasurement cell = run_cell(prepare_cell(config));
  if (cell.placement.at("vcpu-0") == cell.placement.at("vcpu-1")) GTEST_SKIP() << "needs two CPUs";
  ASSERT_TRUE(cell.line_transfer) << cell.line_transfer_missing;
  EXPECT_GT(cell.line_transfer->median_ns, 0);
}

TEST(Cell, MoreThreadsThanCpusIsSaid) {
  CellConfig config = short_cell({"irq-ipi", "mmio-poll", GuestKind::thread});
  config.placement = "0";
  const CellMeasurement cell = run_cell(prepare_cell(config));
  EXPECT_TRUE(cell.noise.oversubscribed);
  EXPECT_EQ(cell.placement.at("vcpu-0"), 0u);
  EXPECT_EQ(cell.placement.at("zapper-0"), 0u);
}

}  // namespace
}  // namespace shadowwalk
