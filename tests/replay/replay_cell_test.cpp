// Cells whose workload is a trace, in the lab as a whole.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_records.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/error.hpp"
#include "tests/lab/chosen_variants.hpp"
#include "tests/replay/replay_fixture.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;
using replay::test::kHostThread;
using replay::test::mixed_events;
using replay::test::TraceEvent;
using replay::test::TraceFile;
using replay::test::TraceKind;
using testing::HasSubstr;

constexpr const char* kShipped = TRACES_DIR "/churn.swtrace";

CellConfig replay_of(const std::filesystem::path& file, std::string_view variant = "irq-ipi") {
  CellConfig config;
  config.name = "test";
  config.variant = variant;
  config.workload = "trace:" + file.string();
  config.guest = GuestKind::trace;
  config.pace = replay::Pace{.closed_loop = true};
  config.warmup = 10ms;
  config.duration = 150ms;
  config.full_checks = true;
  return config;
}

/// For longer, on a busy machine, until an access fell into the window.
CellMeasurement run_until_it_happens(CellConfig config) {
  for (;; config.duration *= 4) {
    try {
      return run_cell(prepare_cell(config));
    } catch (const ExpectedEventMissing&) {
      if (config.duration > 20s) throw;
    }
  }
}

class EveryVariant : public testing::TestWithParam<std::string> {};

TEST_P(EveryVariant, ReplaysTheShippedTrace) {
  for (const bool closed_loop : {true, false}) {
    CellConfig config = replay_of(kShipped, GetParam());
    config.vcpus = 2;
    config.pace = replay::Pace{.closed_loop = closed_loop, .speed = 20};
    const CellMeasurement cell = run_until_it_happens(config);
    EXPECT_EQ(cell.counts.violations, 0u) << cell.first_violation;
    EXPECT_GT(cell.walks, 0u);
    EXPECT_GT(cell.zaps_total, 0u);
    ASSERT_TRUE(cell.replay);
    EXPECT_GT(cell.replay->counts.events, 0u);
    EXPECT_EQ(cell.replay->counts.lag_ns.count(), closed_loop ? 0u : cell.replay->counts.events);
  }
}

INSTANTIATE_TEST_SUITE_P(Chosen, EveryVariant, testing::ValuesIn(test::variants_of_everything()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// A cell of one pass over `events` at their own pace: another event, an hour later, is never due.
CellMeasurement replay_once(std::vector<TraceEvent> events, unsigned vcpus, unsigned zappers) {
  const std::uint64_t done = events.size();
  events.push_back({3'600'000'000'000, 0, TraceKind::read_fault, 1, 1});
  const TraceFile file(events);
  CellConfig config = replay_of(file.path());
  config.pace = replay::Pace{};
  config.vcpus = vcpus;
  config.zappers = zappers;
  config.warmup = 0ms;
  for (;; config.duration *= 3) {  // a few ms are enough, but on a very busy machine
    CellMeasurement cell = run_until_it_happens(config);
    if (cell.replay->counts.events_total + cell.replay->skipped >= done || config.duration > 30s) return cell;
  }
}

TEST(ReplayCell, EveryEventOfAPassIsDoneOnce) {
  const std::vector<TraceEvent> events = mixed_events(3000, 3, 1000);
  const CellMeasurement cell = replay_once(events, 2, 1);
  EXPECT_EQ(cell.replay->counts.events_total, events.size());
  EXPECT_EQ(cell.replay->counts.events, events.size()) << "without warmup all are in the window";
  EXPECT_EQ(cell.zaps + cell.zaps_empty, 300u);
  EXPECT_GT(cell.zaps, 0u);
  EXPECT_EQ(cell.counts.violations, 0u) << cell.first_violation;
}

TEST(ReplayCell, WhatAVcpusOwnThreadDidIsDoneBetweenItsAccesses) {
  std::vector<TraceEvent> events;
  const auto add = [&](TraceKind kind, std::uint64_t gfn, std::uint64_t pages) {
    events.push_back({events.size() * 1000, 0, kind, gfn, pages});
  };
  for (std::uint64_t gfn = 0; gfn < 100; ++gfn) add(TraceKind::write_fault, gfn, 1);
  add(TraceKind::write_protect, 0, 100);
  for (std::uint64_t gfn = 0; gfn < 10; ++gfn) add(TraceKind::fast_fault, gfn, 1);
  add(TraceKind::zap_leaf, 50, 10);
  add(TraceKind::zap_table, 77, 512);  // the only page of level 1
  for (std::uint64_t gfn = 0; gfn < 2; ++gfn) add(TraceKind::mmio_fault, gfn, 1);
  add(TraceKind::zap_page, 0, 512 * 512);
  add(TraceKind::read_fault, 5, 1);
  add(TraceKind::zap_all, 0, 3);
  const CellMeasurement cell = replay_once(events, 1, 0);
  EXPECT_EQ(cell.replay->counts.events_total, events.size());
  EXPECT_EQ(cell.mmu.host_actions.leaves_write_protected, 100u);
  EXPECT_EQ(cell.counts.made_writable, 10u);
  EXPECT_EQ(cell.mmu.host_actions.leaves_zapped, 10u);
  EXPECT_EQ(cell.zaps, 5u);
  EXPECT_EQ(cell.zaps_empty, 0u);
  EXPECT_EQ(cell.mmu.footprint.unlinked, 1u + 2 + 4) << "level 1; levels 2 and 1; all, the root when its vCPU left it";
  EXPECT_EQ(cell.counts.violations, 0u) << cell.first_violation;
}

// The TDP MMU's balloon: the range of a notifier, then each of its leaves.
TEST(ReplayCell, ARangeOfANotifierZapsLeavesUnlessTheyAreEventsThemselves) {
  for (const bool has_tdp_mmu : {false, true}) {
    std::vector<TraceEvent> events;
    const auto add = [&](TraceKind kind, std::uint64_t gfn, std::uint64_t pages) {
      events.push_back({events.size() * 1000, 0, kind, gfn, pages});
    };
    for (std::uint64_t gfn = 0; gfn < 100; ++gfn) add(TraceKind::write_fault, gfn, 1);
    add(TraceKind::unmap_hva, 0x7f0000000, 40);
    for (std::uint64_t gfn = 0; has_tdp_mmu && gfn < 40; ++gfn) add(TraceKind::zap_leaf, gfn, 1);
    add(TraceKind::read_fault, 99, 1);
    const CellMeasurement cell = replay_once(events, 1, 0);
    EXPECT_EQ(cell.mmu.host_actions.leaves_zapped, 40u) << has_tdp_mmu;
    EXPECT_EQ(cell.zaps, has_tdp_mmu ? 40u : 1u);
    EXPECT_EQ(cell.zaps_empty, 0u);
  }
}

TEST(ReplayCell, ACorruptBlockFailsTheCellInOneLine) {
  const TraceFile file(mixed_events(60'000, 2, 100, 5000));
  file.spoil(0.5);
  for (const bool closed_loop : {true, false}) {
    CellConfig config = replay_of(file.path());
    config.pace = replay::Pace{.closed_loop = closed_loop, .speed = 1000};
    config.vcpus = 2;
    config.duration = 600s;  // it ends when it fails
    try {
      run_cell(prepare_cell(config));
      FAIL() << "it was not noticed";
    } catch (const CellError& error) {
      EXPECT_THAT(error.what(), HasSubstr("made-up.swtrace: byte "));
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

TEST(ReplayCell, AWindowWithoutAnAccessFails) {
  const TraceFile file({{0, 0, TraceKind::read_fault, 1, 1},
                        {1, 0, TraceKind::read_fault, 1, 1},
                        {3'600'000'000'000, 0, TraceKind::read_fault, 1, 1}});
  CellConfig config = replay_of(file.path());
  config.pace = replay::Pace{};
  config.zappers = 0;
  config.warmup = 100ms;
  config.duration = 20ms;
  try {
    run_cell(prepare_cell(config));
    FAIL() << "it measured nothing";
  } catch (const ExpectedEventMissing& error) {
    EXPECT_THAT(error.what(), HasSubstr("no access of the trace fell into the window"));
  }
}

TEST(ReplayCell, TheResultTellsWhatWasReplayed) {
  const CellConfig config = replay_of(kShipped);
  const CellResult result = make_result(config, run_until_it_happens(config));
  const nlohmann::json& cell = result.details["cell"];
  EXPECT_EQ(cell["guest"], "trace");
  EXPECT_EQ(cell["speed"], "closed-loop");
  EXPECT_EQ(cell["zap_rate"], 0);
  EXPECT_EQ(cell["working_set_pages"], 0x4012);
  EXPECT_EQ(result.details["replay"]["vcpus"], 2);
  EXPECT_EQ(result.details["replay"]["events"], 8089);
  EXPECT_EQ(result.details["replay"]["by_kind"]["zap_all"], 6);
  EXPECT_GT(result.counters.at("replay_events"), 0);
  EXPECT_GT(result.counters.at("replay_events_total"), 0);
  EXPECT_TRUE(result.details["unavailable"].contains("replay_lag_ns_p50"));
  EXPECT_TRUE(result.details["unavailable"].contains("saturated"));

  CellConfig paced = config;
  paced.pace = replay::Pace{.speed = 4};
  const CellResult in_time = make_result(paced, run_until_it_happens(paced));
  EXPECT_EQ(in_time.details["cell"]["speed"], "4");
  EXPECT_TRUE(in_time.counters.contains("replay_lag_ns_p99"));
  EXPECT_TRUE(in_time.counters.contains("replay_late"));
}

TEST(ReplayCell, WalksAreOnlyClockedWhereExitsBringEnoughOfThem) {
  const CellConfig config = replay_of(kShipped);
  CellMeasurement cell;
  cell.duration_s = 1;
  cell.walk_ns_total = 1000;
  cell.exits = 10;
  cell.replay.emplace();
  cell.walks = cell.exits * WalkRecord::kAlwaysSampledBurst;
  EXPECT_TRUE(make_result(config, cell).counters.contains("walk_ns_mean"));
  --cell.walks;
  const CellResult few = make_result(config, cell);
  EXPECT_FALSE(few.counters.contains("walk_ns_mean"));
  EXPECT_TRUE(few.details["unavailable"].contains("walk_ns_mean"));
}

std::string refusal(const CellConfig& config) {
  try {
    prepare_cell(config);
    return "none";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(CheckReplay, RefusesWhatDoesNotGoWithATrace) {
  EXPECT_EQ(refusal(replay_of(kShipped)), "none");
  CellConfig config = replay_of(kShipped);
  config.guest = GuestKind::kvm;
  EXPECT_THAT(refusal(config), HasSubstr("the trace is the guest"));
  config = replay_of(kShipped, "floor");
  EXPECT_THAT(refusal(config), HasSubstr("cannot zap"));
  config = replay_of(kShipped);
  config.zappers = 0;
  EXPECT_THAT(refusal(config), HasSubstr("give --zappers 1"));
  config.zappers = 2;
  EXPECT_THAT(refusal(config), HasSubstr("give --zappers 1"));
  config = replay_of("nowhere.swtrace");
  EXPECT_THAT(refusal(config), HasSubstr("nowhere.swtrace"));
  config.workload = "mmio-poll";
  EXPECT_THAT(refusal(config), HasSubstr("is no trace"));
  config.pace.reset();
  EXPECT_THAT(refusal(config), HasSubstr("is no trace"));
}

TEST(CheckReplay, RefusesTracesThatNoCellCanReplay) {
  const auto of = [](const std::vector<TraceEvent>& events, bool closed_loop) {
    const TraceFile file(events);
    CellConfig config = replay_of(file.path());
    config.zappers = 0;
    config.pace = replay::Pace{.closed_loop = closed_loop};
    return refusal(config);
  };
  EXPECT_THAT(of({{0, 0, TraceKind::zap_all, 1, 1}}, true), HasSubstr("no access"));
  EXPECT_THAT(of({{0, 0, TraceKind::read_fault, std::uint64_t{1} << 36, 1}}, true), HasSubstr("gfn 0x1000000000"));
  EXPECT_THAT(of({{0, 0, TraceKind::read_fault, 1, 1}}, false), HasSubstr("give --closed-loop"));
  EXPECT_EQ(of({{0, 0, TraceKind::read_fault, 1, 1}}, true), "none");
  EXPECT_EQ(of({{0, trace::kMaxTraceVcpus - 1, TraceKind::read_fault, 1, 1}}, true), "none") << "vCPU v % vcpus";
}

}  // namespace
}  // namespace shadowwalk
