#include "harness/lab/cell_result.hpp"

#include <gtest/gtest.h>

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
        "zap_ns_p50 zap_ns_p99 saturated mmu_lock_hold_ns_p99 mmu_lock_wait_ns_p99 fault_ns_p50 fault_ns_p99 "
        "pages_zapped pages_freed pages_freed_total free_ns_p50 free_ns_p99 free_ns_max retired_bytes_mean "
        "retired_bytes_peak shadow_bytes_peak ipis ipi_ns_p50 ipi_ns_p99 exits sections_preempted oversubscribed "
        "violations duration_s");
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
  for (Histogram* histogram :
       {&cell.walk_ns, &cell.fault_ns, &cell.zap_ns, &cell.mmu_lock_hold_ns, &cell.mmu_lock_wait_ns, &cell.ipi_ns}) {
    histogram->record(100);
  }
  cell.footprint.free_ns.record(500);
  cell.footprint.unlinked = 3;
  cell.footprint.retired.peak = 3;
  cell.zaps = 2000;
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

TEST(CellResult, SaturationCountsEmptyZapsAsDone) {
  CellConfig config;
  CellMeasurement cell = full_measurement();
  cell.zaps = 1000;
  EXPECT_DOUBLE_EQ(make_result(config, cell).counters.at("saturated"), 1);
  cell.zaps_empty = 950;
  EXPECT_DOUBLE_EQ(make_result(config, cell).counters.at("saturated"), 0) << "97.5 % of the asked rate";
}

TEST(CellResult, BurstOfOneHasNoMeanAndSaysWhy) {
  CellConfig config;
  config.walks_per_exit = 1;
  config.vcpus = 2;
  const CellResult result = make_result(config, full_measurement());
  EXPECT_FALSE(result.counters.contains("walk_ns_mean"));
  EXPECT_DOUBLE_EQ(result.manual_time_ns, 2e9 * 2 / 1000) << "Google Benchmark needs a time: the window over the walks";
}

TEST(ResultContext, NamesTheMachineAndTheBuild) {
  const auto context = result_context();
  for (const char* key : {"shadowwalk_version", "shadowwalk_build", "shadowwalk_compiler", "cpu_model", "kernel",
                          "clock", "clock_read_ns", "kvm", "pmu", "host_id"}) {
    ASSERT_TRUE(context.contains(key)) << key;
    EXPECT_FALSE(context.at(key).empty()) << key;
  }
}

}  // namespace
}  // namespace shadowwalk
