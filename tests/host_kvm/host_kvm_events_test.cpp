// What a workload promises is checked in cells on the host's own kernel, too, as far as that can be known.
#include "harness/host_kvm/host_kvm_events.hpp"

#include "harness/host_kvm/host_kvm.hpp"
#include "harness/host_kvm/kvm_modules.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/workload_events.hpp"
#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using namespace std::chrono_literals;
using Kind = HostAction::Kind;
using testing::HasSubstr;

HostPlan plan_of(std::initializer_list<Kind> kinds, unsigned long quota = 0) {
  HostPlan plan;
  for (const Kind kind : kinds) plan.actions.push_back({.kind = kind});
  plan.quota = quota;
  return plan;
}

HostBeats::Beat beat(Kind kind, std::uint64_t pages, std::uint64_t again = 0) {
  return {.kind = kind, .began = 1, .ended = 2, .pages = pages, .dirty_again = again};
}

TEST(BeatTotals, EachBeatIsCountedAsWhatItIs) {
  BeatTotals totals;
  totals.add(beat(Kind::write_protect, 10));
  totals.add(beat(Kind::write_protect, 0));
  totals.add(beat(Kind::write_protect, 7, 5));
  totals.add(beat(Kind::shrink, 100));
  totals.add(beat(Kind::zap_everything, 100));
  EXPECT_EQ(totals.beats, 4u) << "the empty round is none";
  EXPECT_EQ(totals.dirty_rounds, 3u);
  EXPECT_EQ(totals.dirty_pages, 17u);
  EXPECT_EQ(totals.dirty_again, 5u);
  EXPECT_EQ(totals.shrinks, 1u);
  const auto events = host_kvm_events(plan_of({Kind::write_protect, Kind::zap_everything}), totals, 0);
  EXPECT_EQ(events.at("zaps_total"), 4u);
  EXPECT_EQ(events.at("dirty_rounds_total"), 3u);
  EXPECT_EQ(events.at("leaves_write_protected_total"), 17u);
  EXPECT_EQ(events.at("made_writable_total"), 5u);
}

TEST(HostKvmEvents, RecyclingHappenedOnlyIfTheKernelCountedIt) {
  BeatTotals totals;
  totals.add(beat(Kind::shrink, 100));
  const HostPlan shrinks = plan_of({Kind::shrink});
  EXPECT_EQ(host_kvm_events(shrinks, totals, 3).at("shrinks_total"), 1u);
  EXPECT_EQ(host_kvm_events(shrinks, totals, 0).at("shrinks_total"), 0u);
  EXPECT_EQ(host_kvm_events(shrinks, totals, 0).at("zaps_total"), 0u);
  EXPECT_EQ(host_kvm_events(shrinks, totals, std::nullopt).at("shrinks_total"), 1u) << "it does not tell";
}

TEST(HostKvmEvents, WhatCannotBeToldIsNotThere) {
  EXPECT_EQ(host_kvm_events(plan_of({}, 100), {}, 7).at("quota_zaps_total"), 7u);
  EXPECT_FALSE(host_kvm_events(plan_of({}, 100), {}, std::nullopt).contains("quota_zaps_total"));
  EXPECT_FALSE(host_kvm_events(plan_of({Kind::zap_oldest}, 100), {}, 7).contains("quota_zaps_total"))
      << "the beats recycle, too";
  for (const char* name : {"leaves_zapped_total", "walker_stalls_total", "page_table_writes_total"}) {
    EXPECT_FALSE(host_kvm_events(plan_of({Kind::invalidate}), {}, 7).contains(name)) << name;
  }
}

TEST(HostKvmEvents, AreNamesThatWorkloadsMayPromise) {
  const auto known = workload_events({});
  for (const auto& [name, count] : host_kvm_events(plan_of({}, 100), {}, 7)) EXPECT_TRUE(known.contains(name)) << name;
}

class Promises : public testing::Test {
 protected:
  void SetUp() override {
    SHADOWWALK_NEED_KVM();
    add_host_kvm(registry_);
    config_.variant = "host-kvm";
    config_.guest = GuestKind::kvm;
    config_.warmup = 0ms;
    config_.duration = 300ms;
    config_.zap_rate = 40;
    config_.working_set = 256;
  }
  CellResult measure() const { return registry_.find("host-kvm")->measure_cell(config_); }
  /// For longer, on a busy machine, until the promises are kept.
  void measure_until_kept() {
    for (;; config_.duration *= 4) {
      try {
        measure();
        return;
      } catch (const ExpectedEventMissing&) {
        if (config_.duration > 20s) throw;
      }
    }
  }

  Registry registry_;
  CellConfig config_;
};

TEST_F(Promises, AreKeptByWhatTheKernelDoes) {
  for (const char* name : {"dirty-log", "dirty-log-converging", "memslot-flip", "balloon"}) {
    config_.workload = name;
    config_.duration = 300ms;
    EXPECT_NO_THROW(measure_until_kept()) << name;
  }
}

TEST_F(Promises, OfRecyclingAreKept) {
  if (const std::string reason = quota_ignored_reason(); !reason.empty()) GTEST_SKIP() << reason;
  config_.workload = "shrinker";
  config_.working_set = 65536;
  EXPECT_NO_THROW(measure_until_kept());
}

// A guest that stores nothing: pages are dirty once, as mapping them logs them, and never again.
TEST_F(Promises, AreBrokenByAGuestThatStoresNothing) {
  config_.workload = "dirty-log";
  config_.write_percent = 0;
  try {
    measure();
    ADD_FAILURE() << "it was not about anything";
  } catch (const ExpectedEventMissing& broken) {
    EXPECT_THAT(broken.what(), HasSubstr("workload 'dirty-log' is about"));
  }
}

}  // namespace
}  // namespace shadowwalk::host_kvm
