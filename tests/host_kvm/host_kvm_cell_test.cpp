#include "harness/host_kvm/host_kvm_cell.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "harness/host_kvm/host_kvm.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/memory.hpp"
#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

CellConfig short_cell() {
  CellConfig config;
  config.name = "test";
  config.variant = "host-kvm";
  config.workload = "memslot-flip";
  config.guest = GuestKind::kvm;
  config.vcpus = 2;
  config.warmup = 20ms;
  config.duration = 150ms;
  config.zap_rate = 40;
  config.working_set = 256;
  return config;
}

const Histogram& of(const HostKvmMeasurement& cell, TouchKind kind) {
  return cell.touch_ns[static_cast<unsigned>(kind)];
}

/// Runs the cell for longer until something happened in its window, touches of each of `kinds` among it: on a busy
/// machine a short one may pass without.
HostKvmMeasurement run_until_busy(CellConfig config, const HostPlan& plan,
                                  std::initializer_list<TouchKind> kinds = {}) {
  for (;;) {
    HostKvmMeasurement cell = run_host_kvm_cell(prepared(config), plan);
    const bool zapped = config.zappers == 0 || cell.common.zaps + cell.common.zaps_empty > 0;
    const bool touched = std::ranges::all_of(kinds, [&](TouchKind kind) { return of(cell, kind).count() > 0; });
    if ((cell.touches > 0 && cell.common.exits > 0 && zapped && touched) || config.duration > 20s) return cell;
    config.duration *= 4;
  }
}

std::uint64_t clocked(const HostKvmMeasurement& cell) {
  std::uint64_t all = 0;
  for (const Histogram& histogram : cell.touch_ns) all += histogram.count();
  return all;
}

TEST(GuestClock, CannotHaveTouchedForLongerThanItsVcpusRan) {
  EXPECT_THAT(why_clock_is_wrong(33.8e9, 2, 1), HasSubstr("33.8 s in 2.0 s of 1 vCPUs"));
  EXPECT_EQ(why_clock_is_wrong(1.99e9, 2, 1), "");
  EXPECT_EQ(why_clock_is_wrong(3.99e9, 2, 2), "");
  EXPECT_NE(why_clock_is_wrong(8e9, 2, 2), "");
  EXPECT_EQ(why_clock_is_wrong(0, 0, 1), "");
}

class HostKvmCell : public testing::Test {
 protected:
  void SetUp() override {
    SHADOWWALK_NEED_KVM();
    if (!CycleClock::is_tsc()) GTEST_SKIP() << "guests' touches are not clocked here: " << CycleClock::describe();
  }
};

TEST_F(HostKvmCell, MemorySlotsFlipUnderTwoVcpus) {
  const CellConfig config = short_cell();
  const HostKvmMeasurement cell = run_until_busy(config, plan_for(config), {TouchKind::first, TouchKind::hit});
  EXPECT_EQ(clocked(cell), cell.touches);
  EXPECT_GT(of(cell, TouchKind::first).count(), 0u);
  EXPECT_GT(of(cell, TouchKind::hit).count(), 0u);
  EXPECT_EQ(of(cell, TouchKind::device).count(), 0u);
  EXPECT_GT(cell.clock_ns.count(), 0u);
  EXPECT_GT(cell.common.zaps, 0u);
  EXPECT_LE(cell.common.zap_ns.count(), cell.common.zaps + cell.common.zaps_unfinished) << "by their intended start";
  EXPECT_EQ(cell.dirty_pages, 0u);
  EXPECT_TRUE(cell.common.host.kvm_statistics_missing.empty()) << cell.common.host.kvm_statistics_missing;
  EXPECT_EQ(cell.sec_page_tables_peak.has_value(), sec_page_tables_bytes().has_value());
}

TEST_F(HostKvmCell, WithoutAZapperNothingIsZapped) {
  CellConfig config = short_cell();
  config.zappers = 0;
  config.warmup = 300ms;  // every page has been touched by then
  const HostKvmMeasurement cell = run_until_busy(config, plan_for(config));
  EXPECT_EQ(clocked(cell), cell.touches);
  EXPECT_EQ(of(cell, TouchKind::unclear).count(), 0u);
  EXPECT_EQ(cell.common.zaps + cell.common.zaps_empty, 0u);
  EXPECT_EQ(cell.lost_slot, 0u);
}

TEST_F(HostKvmCell, MmioIsClockedByItself) {
  CellConfig config = short_cell();
  config.workload = "mmio-poll";
  config.zappers = 0;
  const HostKvmMeasurement cell = run_until_busy(config, plan_for(config));
  EXPECT_EQ(of(cell, TouchKind::device).count(), cell.touches);
}

TEST_F(HostKvmCell, DirtyLogRoundsFindWhatIsWritten) {
  CellConfig config = short_cell();
  HostPlan plan = plan_for(config);
  plan.actions = {{.kind = HostAction::Kind::write_protect, .pages = 64}};
  plan.touch.coverage = coverage_of(plan);
  plan.touch.log_dirty_pages = true;
  const HostKvmMeasurement cell = run_until_busy(config, plan, {TouchKind::first});
  EXPECT_GT(cell.dirty_pages, 0u);
  EXPECT_LE(cell.dirty_pages, cell.common.zaps * config.working_set);
  EXPECT_GT(of(cell, TouchKind::first).count(), 0u);
}

TEST_F(HostKvmCell, RangesAreDiscardedAndTouchedAnew) {
  CellConfig config = short_cell();
  HostPlan plan = plan_for(config);
  plan.actions = {{.kind = HostAction::Kind::invalidate, .pages = 64}};
  plan.touch.coverage = coverage_of(plan);
  const HostKvmMeasurement cell = run_until_busy(config, plan, {TouchKind::first});
  EXPECT_GT(cell.common.zaps, 0u);
  EXPECT_GT(of(cell, TouchKind::first).count(), 0u);
}

TEST_F(HostKvmCell, AQuotaRecyclesOrItsBeatsAreEmpty) {
  if (const std::string reason = quota_ignored_reason(); !reason.empty()) GTEST_SKIP() << reason;
  CellConfig config = short_cell();
  HostPlan plan = plan_for(config);  // 256 pages: fewer tables than any quota
  plan.actions = {{.kind = HostAction::Kind::zap_oldest}};
  plan.touch.coverage = coverage_of(plan);
  const HostKvmMeasurement small = run_until_busy(config, plan);
  if (!small.common.host.kvm_statistics.contains("mmu_recycled")) GTEST_SKIP() << "no statistic mmu_recycled";
  EXPECT_EQ(small.common.zaps, 0u);
  EXPECT_GT(small.common.zaps_empty, 0u);
  EXPECT_EQ(small.common.zap_ns.count(), 0u);
  EXPECT_EQ(clocked(small), of(small, TouchKind::hit).count()) << "the guest cannot tell them apart";

  plan.touch.pages = 4 * kLeastQuota * 512;
  plan.touch.guest.params = uniform_guest(plan.touch.pages);
  plan.touch.populate = false;
  const HostKvmMeasurement large = run_until_busy(config, plan);
  EXPECT_GT(large.common.zaps, 0u);
  EXPECT_GT(large.common.host.kvm_statistics.at("mmu_recycled").delta(), 0);
}

bool polls_devices(const Workload& workload) {
  return std::ranges::any_of(workload.phases, [](const PhaseShape& phase) {
    return std::ranges::any_of(phase.streams,
                               [](const StreamShape& stream) { return stream.stream.mmio_percent == 100; });
  });
}

// Each shipped workload that is not refused runs, and what it is about happens in the kernel, by the kernel's own
// count.
TEST_F(HostKvmCell, EveryWorkloadRunsOrIsRefusedInOneLine) {
  for (const Workload& workload : workloads()) {
    SCOPED_TRACE(workload.name);
    CellConfig config = short_cell();
    config.workload = workload.name;
    config.working_set = workload.quota_percent != 0 ? workload.working_set : 65536;
    if (workload.host.empty()) config.zappers = 0;
    HostPlan plan;
    try {
      plan = plan_for(config);
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), StartsWith("host-kvm: "));
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
      continue;
    }
    const HostKvmMeasurement cell = run_until_busy(config, plan);
    EXPECT_EQ(clocked(cell), cell.touches);
    const auto& statistics = cell.common.host.kvm_statistics;
    // Where each poll of a device is an exit, it takes longer until the guest has touched more tables than the quota.
    if (plan.quota != 0 && !polls_devices(workload) && statistics.contains("mmu_recycled")) {
      EXPECT_GT(statistics.at("mmu_recycled").delta(), 0) << "the kernel's own faults recycle";
    }
  }
}

TEST_F(HostKvmCell, AtInstrumentationNoneTouchesAreCountedAlone) {
  CellConfig config = short_cell();
  config.instrumentation = Instrumentation::none;
  const HostKvmMeasurement cell = run_until_busy(config, plan_for(config));
  EXPECT_GT(cell.touches, 0u);
  EXPECT_EQ(clocked(cell), 0u);
  EXPECT_EQ(cell.common.zap_ns.count(), 0u);
}

// Results.

bool is_documented(const std::string& name) {
  static const std::string contract = [] {
    std::ifstream file(SHADOWWALK_SOURCE_DIR "/docs/result-format.md");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return contract.find(name) != std::string::npos;
}

TEST_F(HostKvmCell, AResultSaysOfEachFigureWhatItIsOrWhyItIsNotThere) {
  for (const unsigned zappers : {0u, 1u}) {
    CellConfig config = short_cell();
    config.zappers = zappers;
    const HostPlan plan = plan_for(config);
    const HostKvmMeasurement cell = run_until_busy(config, plan, {TouchKind::hit});
    const CellResult result = make_host_kvm_result(config, plan, cell);
    const auto& unavailable = result.details["unavailable"];
    for (const auto& [name, value] : result.counters) {
      EXPECT_FALSE(unavailable.contains(name)) << name;
      EXPECT_TRUE(is_documented("`" + name + "`")) << name;
    }
    for (const char* name : {"touches_per_second", "touches_lost_slot", "touch_ns_p50", "touch_hit_ns_p99",
                             "guest_clock_read_ns", "exits", "duration_s", "rss_bytes"}) {
      EXPECT_TRUE(result.counters.contains(name)) << name;
    }
    // What only the lab's own MMU can tell, though a cell of the lab has a figure for it.
    for (const auto& [name, value] : make_result(config, cell.common).counters) {
      EXPECT_NE(result.counters.contains(name), unavailable.contains(name)) << name;
    }
    for (const char* name : {"walks_per_second", "walk_ns_mean", "retired_bytes_peak", "free_ns_p99", "violations",
                             "shadow_bytes_peak", "pages_freed", "ipis", "prepare_zap_ns_p50", "fault_ns_p50"}) {
      ASSERT_TRUE(unavailable.contains(name)) << name;
      EXPECT_THAT(unavailable[name].get<std::string>(), StartsWith("host-kvm: the kernel's own MMU; not visible"));
    }
    EXPECT_EQ(result.counters.contains("zap_ns_p50"), zappers != 0);
    EXPECT_GT(result.manual_time_ns, 0);
    EXPECT_FALSE(result.details.contains("series"));
    for (const auto& [name, histogram] : result.details["histograms"].items()) {
      EXPECT_TRUE(is_documented(name)) << name;
      EXPECT_GT(histogram["count"], 0);
    }
    EXPECT_EQ(result.details["histograms"]["touch_ns"]["count"], cell.touches) << "RAM only";
    EXPECT_THAT(result.details["reference"]["implementation"].get<std::string>(), HasSubstr("kernel"));
    EXPECT_EQ(result.details["cell"]["variant"], "host-kvm");
    if (sec_page_tables_bytes()) {
      const auto& bytes = result.details["memory"]["sec_page_tables_bytes"];
      EXPECT_GE(bytes["peak"], std::max(bytes["before"], bytes["after"]));
    }
  }
}

TEST_F(HostKvmCell, WhatTheGuestCannotTellIsNotGuessed) {
  CellConfig config = short_cell();
  HostPlan plan = plan_for(config);
  plan.touch.coverage = Coverage::unknown;
  HostKvmMeasurement cell;
  cell.common.duration_s = cell.touching_s = 1;
  cell.touches = 2;
  cell.touch_ns[0].record(10);
  cell.touch_ns[0].record(1000);
  const CellResult result = make_host_kvm_result(config, plan, cell);
  EXPECT_TRUE(result.counters.contains("touch_ns_p50"));
  for (const char* name : {"touch_hit_ns_p50", "touch_first_ns_p50"}) {
    EXPECT_FALSE(result.counters.contains(name)) << name;
    EXPECT_THAT(result.details["unavailable"][name].get<std::string>(), HasSubstr("does not report them"));
  }
  EXPECT_DOUBLE_EQ(result.manual_time_ns, 1e9 * config.vcpus / 2);
}

TEST(HostKvmEntry, IsAReferenceAndNoScheme) {
  Registry registry;
  add_host_kvm(registry);
  const VariantEntry* entry = registry.find("host-kvm");
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->is_reference());
  EXPECT_THAT(std::string(entry->info.summary), StartsWith("kernel (reference)"));
  for (const VariantEntry& shipped : Registry::instance().entries()) {
    if (shipped.info.name == "host-kvm") continue;  // the fixture's
    EXPECT_FALSE(shipped.is_reference()) << shipped.info.name << ": a scheme of the lab's has an engine";
  }
}

}  // namespace
}  // namespace shadowwalk::host_kvm
