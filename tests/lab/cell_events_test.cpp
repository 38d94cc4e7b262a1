// --events in a real cell, by what this kernel can always count; and how the result tells it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/measure/pmu/availability.hpp"
#include "tests/lab/run_until.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

CellConfig cell_with(const std::string& events) {
  CellConfig config;
  config.name = "test";
  config.variant = "rcu-counter";
  config.workload = "mmio-poll";
  config.warmup = 20ms;
  config.duration = 150ms;
  config.zap_rate = 100;
  config.walks_per_exit = 64;
  config.working_set = 1024;
  config.events = events;
  return config;
}

TEST(CellEvents, RolesAreCountedApartAndRefusalsNamedOnce) {
  if (const std::string reason = pmu::cannot_count("task-clock"); !reason.empty()) {
    GTEST_SKIP() << "task-clock cannot be counted here: " << reason;
  }
  CellConfig config = cell_with("task-clock,page-faults,nonsense");
  config.vcpus = 2;
  const CellMeasurement cell =
      test::run_until(config, [](const CellMeasurement& busy) { return busy.walks > 0 && busy.zaps > 0; });
  std::set<std::pair<std::string, std::string>> counted;
  for (const EventCount& count : cell.events.counts) {
    EXPECT_TRUE(counted.emplace(count.role, count.event).second) << count.role << " " << count.event;
    EXPECT_EQ(count.scope, "thread") << "software events are never of the walks alone";
    EXPECT_EQ(count.multiplexed, 0);
    if (count.event == "task-clock" && count.role == "walkers") {
      EXPECT_GT(count.count, 0);
      EXPECT_LE(count.count, static_cast<double>(count.enabled_ns) * 1.01 + 1e6);
    }
  }
  EXPECT_THAT(counted, testing::UnorderedElementsAre(
                           std::pair("walkers", "task-clock"), std::pair("walkers", "page-faults"),
                           std::pair("zappers", "task-clock"), std::pair("zappers", "page-faults"),
                           std::pair("reclaimers", "task-clock"), std::pair("reclaimers", "page-faults")));
  ASSERT_EQ(cell.events.refused.size(), 1u);
  EXPECT_EQ(cell.events.refused[0].event, "nonsense");
}

TEST(CellEvents, WithoutRcuThereIsNoReclaimer) {
  CellConfig config = cell_with("page-faults");
  config.variant = "irq-ipi";
  for (const EventCount& count : run_cell(prepare_cell(config)).events.counts) EXPECT_NE(count.role, "reclaimers");
}

TEST(CellEvents, NoneAskedForNoneTold) {
  const CellConfig config = cell_with("");
  const CellMeasurement cell = run_cell(prepare_cell(config));
  EXPECT_TRUE(cell.events.counts.empty());
  const CellResult result = make_result(config, cell);
  EXPECT_FALSE(result.details.contains("pmu"));
  EXPECT_EQ(result.details["cell"]["events"], "");
}

EventCount count_of(const std::string& role, const std::string& scope, double count) {
  return {.event = "cycles",
          .set = "default",
          .encoded = "perf::PERF_COUNT_HW_CPU_CYCLES:u",
          .unit = "",
          .role = role,
          .scope = scope,
          .group = 1,
          .count = count,
          .enabled_ns = 1000,
          .running_ns = 750,
          .multiplexed = 0.25};
}

TEST(CellEvents, ResultIsAsTheFormatSays) {
  CellMeasurement cell;
  cell.duration_s = 1;
  cell.walks = 200;
  cell.zaps = 10;
  cell.events.counts = {count_of("walkers", "walks", 5000), count_of("zappers", "thread", 70),
                        count_of("reclaimers", "thread", 9)};
  cell.events.refuse("kvm:kvm_exit", "tracefs is not mounted");
  cell.events.refuse("kvm:kvm_exit", "another thread says so, too");
  const CellResult result = make_result(cell_with("cycles,kvm:kvm_exit"), cell);
  EXPECT_DOUBLE_EQ(result.counters.at("cycles_per_walk"), 25);
  EXPECT_DOUBLE_EQ(result.counters.at("cycles_per_zap"), 7);
  EXPECT_EQ(result.details["unavailable"]["kvm:kvm_exit"], "tracefs is not mounted");
  ASSERT_EQ(result.details["pmu"].size(), 3u);
  EXPECT_EQ(result.details["pmu"][0], (nlohmann::json{{"event", "cycles"},
                                                      {"set", "default"},
                                                      {"encoded", "perf::PERF_COUNT_HW_CPU_CYCLES:u"},
                                                      {"role", "walkers"},
                                                      {"scope", "walks"},
                                                      {"group", 1},
                                                      {"count", 5000.0},
                                                      {"enabled_ns", 1000},
                                                      {"running_ns", 750},
                                                      {"multiplexed", 0.25}}));
  EXPECT_EQ(result.details["events_refused"], nlohmann::json::array({"kvm:kvm_exit"}));
  EXPECT_EQ(result.details["cell"]["events"], "cycles,kvm:kvm_exit");
}

TEST(CellEvents, NothingToDivideByIsSaid) {
  CellMeasurement cell;
  cell.duration_s = 1;
  cell.events.counts = {count_of("walkers", "thread", 5000), count_of("zappers", "thread", 70)};
  const CellResult result = make_result(cell_with("cycles"), cell);
  EXPECT_FALSE(result.counters.contains("cycles_per_walk"));
  EXPECT_THAT(result.details["unavailable"]["cycles_per_walk"].get<std::string>(), HasSubstr("no walk"));
  EXPECT_THAT(result.details["unavailable"]["cycles_per_zap"].get<std::string>(), HasSubstr("no zap"));
}

}  // namespace
}  // namespace shadowwalk
