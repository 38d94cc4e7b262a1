#include "harness/lab/cell_result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

namespace shadowwalk {
namespace {

// The contract with reports, dashboards and users: design and docs/result-format.md.
const std::set<std::string>& counter_names() {
  static const std::set<std::string> names = [] {
    std::istringstream words(
        "walks_per_second walk_ns_mean walk_ns_p50 walk_ns_p99 walk_ns_p999 walks_restarted zaps_per_second zaps_empty "
        "section_ns_p50 section_ns_p99 exit_ns_p50 exit_ns_p99 zap_service_ns_p50 zap_service_ns_p99 "
        "prepare_zap_ns_p50 "
        "prepare_zap_ns_p99 commit_zap_ns_p50 commit_zap_ns_p99 shadow_bytes_mean rss_bytes line_transfer_ns "
        "zap_ns_p50 zap_ns_p99 saturated mmu_lock_hold_ns_p99 mmu_lock_wait_ns_p99 fault_ns_p50 fault_ns_p99 "
        "pages_zapped pages_freed pages_freed_total free_ns_p50 free_ns_p99 free_ns_max retired_bytes_mean "
        "retired_bytes_peak shadow_bytes_peak ipis ipis_total ipi_ns_p50 ipi_ns_p99 exits sections_preempted "
        "oversubscribed lock_waits_for_cpus "
        "violations duration_s zaps_total made_writable_total leaves_write_protected_total dirty_rounds_total "
        "dirty_pages_last_round leaves_zapped_total page_table_writes_total flood_zaps_total quota_zaps_total "
        "walker_stalls_total shrinks_total shrinks_unfinished_total shrink_ns_p50 shrink_ns_p99 "
        "grace_period_ns_p50 grace_period_ns_p99 commits_deferred pages_deferred "
        "deferred_bytes_mean deferred_bytes_peak deferred_bytes_predicted deferred_free_ns_p50 deferred_free_ns_p99 "
        "deferred_free_ns_max zaps_unfinished");
    std::set<std::string> set;
    for (std::string word; words >> word;) set.insert(word);
    return set;
  }();
  return names;
}

CellMeasurement empty_measurement() {
  CellMeasurement cell;
  cell.duration_s = 1;
  return cell;
}

CellMeasurement full_measurement() {
  CellMeasurement cell;
  cell.duration_s = 2;
  cell.walks = 1000;
  cell.walk_ns_total = 20'000;
  for (Histogram* histogram : {&cell.walk_ns, &cell.section_ns, &cell.fault_ns, &cell.exit_ns, &cell.zap_ns,
                               &cell.zap_service_ns, &cell.mmu.zap_times.prepare_ns, &cell.mmu.zap_times.commit_ns,
                               &cell.mmu.lock_hold_ns, &cell.mmu.lock_wait_ns, &cell.ipi_ns}) {
    histogram->record(100);
  }
  cell.host.rss_bytes = {1000, 2000};
  cell.line_transfer = LineTransfer{.median_ns = 50, .q1_ns = 49, .q3_ns = 52, .batches = 100};
  cell.mmu.footprint.free_ns.record(500);
  cell.mmu.footprint.deferred_free_ns.record(500);
  cell.mmu.footprint.unlinked = 3;
  cell.mmu.footprint.retired.peak = 3;
  cell.zaps = 2000;
  cell.grace_period_times.emplace();
  cell.grace_period_times->ns.record(1000);
  cell.grace_period_times->touched = 1;
  cell.grace_period_times->each.emplace_back(10, 1010);
  return cell;
}

TEST(CellResult, EveryCounterIsThereOrItsReasonIs) {
  for (const unsigned zappers : {0u, 1u}) {
    for (const unsigned burst : {1u, 1024u}) {
      for (const CellMeasurement& cell : {empty_measurement(), full_measurement()}) {
        CellConfig config;
        config.zappers = zappers;
        config.walks_per_exit = burst;
        const CellResult result = make_result(config, cell);
        for (const std::string& name : counter_names()) {
          EXPECT_NE(result.counters.contains(name), result.details["unavailable"].contains(name)) << name;
        }
        for (const auto& [name, value] : result.counters) {
          EXPECT_TRUE(counter_names().contains(name)) << name << " is not in the contract";
        }
      }
    }
  }
}

TEST(CellResult, Arithmetic) {
  CellConfig config;
  const CellResult result = make_result(config, full_measurement());
  EXPECT_DOUBLE_EQ(result.counters.at("walk_ns_mean"), 20);
  EXPECT_DOUBLE_EQ(result.manual_time_ns, 20);
  EXPECT_DOUBLE_EQ(result.counters.at("walks_per_second"), 500);
  EXPECT_DOUBLE_EQ(result.counters.at("zaps_per_second"), 1000);
  EXPECT_DOUBLE_EQ(result.counters.at("saturated"), 0);
  EXPECT_DOUBLE_EQ(result.counters.at("retired_bytes_peak"), 3 * 4096);
  EXPECT_EQ(result.details["histograms"]["free_ns"]["buckets"].size(), 1u);
}

TEST(CellResult, TellsWhatTheWorkloadStandsFor) {
  CellMeasurement cell = full_measurement();
  EXPECT_FALSE(make_result({}, cell).details.contains("workload_summary")) << "a trace's";
  cell.workload_summary = "a guest polls a device";
  EXPECT_EQ(make_result({}, cell).details["workload_summary"], "a guest polls a device");
}

TEST(CellResult, TheGuestsKnobsAreToldWhereTheyWereAskedFor) {
  CellConfig config;
  const auto own = make_result(config, full_measurement()).details["cell"];
  EXPECT_FALSE(own.contains("locality") || own.contains("write_percent"));
  config.locality = parse_locality("zipf:0.99");
  config.write_percent = 0;
  const auto asked = make_result(config, full_measurement()).details["cell"];
  EXPECT_EQ(asked["locality"], "zipf:0.99");
  EXPECT_EQ(asked["write_percent"], 0);
}

TEST(CellResult, SaturationCountsEmptyZapsAsDone) {
  CellConfig config;
  CellMeasurement cell = full_measurement();
  cell.zaps = 1000;
  EXPECT_DOUBLE_EQ(make_result(config, cell).counters.at("saturated"), 1);
  cell.zaps_empty = 950;
  EXPECT_DOUBLE_EQ(make_result(config, cell).counters.at("saturated"), 0) << "97.5 % of the asked rate";
}

TEST(CellResult, ATicketLockThatWaitsForTheSchedulerIsFlagged) {
  CellConfig config;
  CellMeasurement cell = full_measurement();
  cell.walks = 0;
  cell.noise.oversubscribed = true;
  cell.mmu.lock_wait_ns = {};
  cell.mmu.lock_wait_ns.record(4'000'000);
  const CellResult starved = make_result(config, cell);
  EXPECT_THAT(starved.details["flags"].dump(), testing::HasSubstr("lock_waits_for_cpus"));
  EXPECT_THAT(starved.details["unavailable"]["walks_per_second"].get<std::string>(),
              testing::HasSubstr("--mmu-lock mutex"));
  config.mmu_lock = MmuLockKind::mutex;
  EXPECT_DOUBLE_EQ(make_result(config, cell).counters.at("lock_waits_for_cpus"), 0);
  config.mmu_lock = MmuLockKind::ticket;
  cell.noise.oversubscribed = false;
  EXPECT_DOUBLE_EQ(make_result(config, cell).counters.at("lock_waits_for_cpus"), 0);
}

TEST(CellResult, AReclaimerThatMayWaitForItsCpuIsFlagged) {
  CellMeasurement cell = full_measurement();
  EXPECT_FALSE(make_result(CellConfig(), cell).counters.contains("reclaimer_shares_cpu")) << "there is no reclaimer";
  cell.reclaimer_shares_cpu = false;
  EXPECT_DOUBLE_EQ(make_result(CellConfig(), cell).counters.at("reclaimer_shares_cpu"), 0);
  cell.reclaimer_shares_cpu = true;
  EXPECT_THAT(make_result(CellConfig(), cell).details["flags"].dump(), testing::HasSubstr("reclaimer_shares_cpu"));
}

TEST(CellResult, BurstOfOneHasNoMeanAndSaysWhy) {
  CellConfig config;
  config.walks_per_exit = 1;
  config.vcpus = 2;
  const CellResult result = make_result(config, full_measurement());
  EXPECT_FALSE(result.counters.contains("walk_ns_mean"));
  EXPECT_DOUBLE_EQ(result.manual_time_ns, 2e9 * 2 / 1000) << "Google Benchmark needs a time: the window over the walks";
}

TEST(CellResult, GracePeriodsAreToldOrWhyNot) {
  CellMeasurement cell = full_measurement();
  const auto few = make_result({}, cell).details;
  EXPECT_EQ(few["grace_period_times"]["each"], nlohmann::json::parse("[[10.0, 1010.0]]"));
  EXPECT_FALSE(few["unavailable"].contains("grace_period_times.each"));

  cell.grace_period_times->touched = 1000;
  cell.grace_period_times->each.clear();
  const auto many = make_result({}, cell).details;
  EXPECT_FALSE(many["grace_period_times"].contains("each"));
  EXPECT_TRUE(many["grace_period_times"].contains("began"));
  EXPECT_TRUE(many["unavailable"]["grace_period_times.each"].get<std::string>().starts_with("1000 grace periods"));

  cell.grace_period_times->ns = {};
  EXPECT_EQ(make_result({}, cell).details["unavailable"]["grace_period_ns_p50"], "no grace period began in the window");
  cell.grace_period_times.reset();
  const auto none = make_result({}, cell).details;
  EXPECT_FALSE(none.contains("grace_period_times"));
  EXPECT_EQ(none["unavailable"]["grace_period_times"], "the variant waits for no grace period of RCU");
}

TEST(CellResult, ASchemeThatIsKnownToBeBrokenSaysSo) {
  CellConfig config;
  config.variant = "unsafe";
  EXPECT_EQ(make_result(config, full_measurement()).details["negative_control"], true);
  config.variant = "irq-ipi";
  EXPECT_FALSE(make_result(config, full_measurement()).details.contains("negative_control"));
}

// What the kernel may not tell is no counter, but its absence has a reason too.
TEST(CellResult, WhatTheHostTellsIsThereOrItsReasonIs) {
  CellMeasurement cell = full_measurement();
  cell.host.sec_page_tables_bytes = {4096, 8192};
  cell.host.kvm_statistics["exits"] = {StatisticKind::cumulative, "", 5, 25};
  cell.host.kvm_statistics["pages_4k"] = {StatisticKind::instant, "", 7, 3};
  const auto told = make_result({}, cell).details;
  EXPECT_EQ(told["memory"]["sec_page_tables_bytes"]["after"], 8192);
  EXPECT_EQ(told["memory"]["rss_bytes"]["before"], 1000);
  EXPECT_EQ(told["kvm_stats"]["exits"]["delta"], 20);
  EXPECT_EQ(told["kvm_stats"]["pages_4k"]["before"], 7);
  EXPECT_FALSE(told["kvm_stats"]["pages_4k"].contains("delta")) << "it is a level";

  cell.host = {};
  cell.host.kvm_statistics_missing = "thread guests have none";
  const auto silent = make_result({}, cell).details;
  EXPECT_TRUE(silent["unavailable"].contains("sec_page_tables_bytes"));
  EXPECT_EQ(silent["unavailable"]["kvm_stats"], "thread guests have none");
  EXPECT_FALSE(silent.contains("kvm_stats"));
}

TEST(CellResult, NoisyCellsAreFlaggedAndSayWhy) {
  CellMeasurement cell = full_measurement();
  cell.noise.duration_s = 2;
  const auto quiet = make_result({}, cell).details;
  EXPECT_TRUE(quiet["flags"].empty());
  EXPECT_TRUE(quiet["noise"]["reasons"].empty());
  cell.noise.other_load_cpus = 1;
  const auto noisy = make_result({}, cell).details;
  EXPECT_EQ(noisy["flags"], nlohmann::json::array({"noisy"}));
  EXPECT_EQ(noisy["noise"]["reasons"].size(), 1u);
}

TEST(CellResult, WhatALevelLeavesOutSaysSo) {
  CellConfig config;
  CellMeasurement cell = empty_measurement();
  cell.walks = 1000;
  config.instrumentation = Instrumentation::none;
  const CellResult none = make_result(config, cell);
  EXPECT_DOUBLE_EQ(none.manual_time_ns, 1e6) << "the window over the walks";
  for (const char* name : {"walk_ns_mean", "walk_ns_p50", "fault_ns_p99", "retired_bytes_peak", "pages_zapped",
                           "free_ns_max", "ipis", "zap_ns_p50"}) {
    EXPECT_EQ(none.details["unavailable"].value(name, ""), "not taken at --instrumentation none") << name;
  }
  config.instrumentation = Instrumentation::light;
  const CellResult light = make_result(config, cell);
  EXPECT_EQ(light.details["unavailable"].value("walk_ns_p50", ""), "not taken at --instrumentation light");
  EXPECT_EQ(light.details["unavailable"].value("fault_ns_p99", ""), "no fault in the window");
  EXPECT_TRUE(light.counters.contains("walk_ns_mean"));
}

}  // namespace
}  // namespace shadowwalk
