#include "harness/host_kvm/host_beats.hpp"

#include <vector>

#include "harness/lab/action_schedule.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/workload_events.hpp"
#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using namespace std::chrono_literals;
using Kind = HostAction::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

class Beats : public testing::Test {
 protected:
  void SetUp() override { SHADOWWALK_NEED_KVM(); }
  Window window_;
};

/// The beats of a plan, as a zapper makes them.
struct Zapper {
  Zapper(TouchVm& vm, const HostPlan& plan, const Window& window) : beats(vm, plan, window), schedule(plan.actions) {}
  HostBeat next() {
    const HostAction& action = schedule.next();
    const Zapped zapped = beats.act(action);
    beats.acted(0);
    EXPECT_EQ(zapped.leaves, beats.last().pages);
    return beats.last();
  }
  HostBeats beats;
  ActionSchedule schedule;
};

TEST_F(Beats, RangesGoFromTheFrontToTheBackAndAgain) {
  HostPlan plan;
  plan.actions = {{.kind = Kind::invalidate, .pages = 100}};
  plan.touch = test::touch_config(250, 4096, 1, 100);
  plan.touch.coverage = coverage_of(plan);
  TouchVm vm(plan.touch);
  Zapper beats(vm, plan, window_);
  test::run_bursts(vm.vcpu(0), 2);  // a page is missed by a chance of 250 * (249/250)^8192
  std::vector<std::uint64_t> pages, empty;
  for (int i = 0; i < 3; ++i) {
    pages.push_back(beats.next().pages);
    std::uint64_t nothing = 0;
    for (std::uint64_t page = 0; page < 250; ++page) nothing += test::stored_in(vm, page) == 0 ? 1 : 0;
    empty.push_back(nothing);
  }
  EXPECT_THAT(pages, ElementsAre(100, 100, 50));
  EXPECT_THAT(empty, ElementsAre(100, 200, 250)) << "ranges that overlap would leave pages behind";
  EXPECT_EQ(beats.next().pages, 100u);
}

TEST_F(Beats, ActionsTakeTurnsByTheirWeights) {
  HostPlan plan;
  plan.actions = {{.kind = Kind::zap_everything, .weight = 1}, {.kind = Kind::write_protect, .weight = 2, .pages = 64}};
  plan.touch = test::touch_config(64, 1000);
  plan.touch.log_dirty_pages = true;
  plan.touch.coverage = coverage_of(plan);
  TouchVm vm(plan.touch);
  Zapper beats(vm, plan, window_);
  int flips = 0;
  std::uint64_t dirty = 0;
  for (int i = 0; i < 9; ++i) {
    test::run_bursts(vm.vcpu(0), 1);
    const HostBeat beat = beats.next();
    flips += beat.kind == Kind::zap_everything ? 1 : 0;
    if (beat.kind == Kind::write_protect) dirty += beat.pages;
  }
  EXPECT_EQ(flips, 3);
  EXPECT_GT(dirty, 0u);
}

// A page that a round found is protected by it: to be found again, the guest has to make it writable again.
TEST_F(Beats, PagesAreDirtyAgainOnlyAfterAnotherStore) {
  HostPlan plan;
  plan.actions = {{.kind = Kind::write_protect, .pages = 64}};
  plan.touch = test::touch_config(40, 4096, 1, 100);
  plan.touch.log_dirty_pages = true;
  plan.touch.coverage = coverage_of(plan);
  TouchVm vm(plan.touch);
  Zapper beats(vm, plan, window_);
  test::run_bursts(vm.vcpu(0), 1);  // a page is missed by a chance of 40 * (39/40)^4096
  const HostBeat first = beats.next();
  EXPECT_EQ(first.pages, 40u);
  EXPECT_EQ(first.dirty_again, 0u);
  const HostBeat quiet = beats.next();
  EXPECT_EQ(quiet.dirty_again, 0u);
  test::run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(beats.next().dirty_again, 40u);
}

// What a workload requires is checked in cells on the host's own kernel, too, as far as that can be known.
HostPlan plan_of(std::initializer_list<Kind> kinds, unsigned long quota = 0) {
  HostPlan plan;
  for (const Kind kind : kinds) plan.actions.push_back({.kind = kind});
  plan.quota = quota;
  return plan;
}

HostBeat beat(Kind kind, std::uint64_t pages, std::uint64_t again = 0) {
  return {.kind = kind, .pages = pages, .dirty_again = again};
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
    config_.variant = "host-kvm";
    config_.guest = GuestKind::kvm;
    config_.warmup = 0ms;
    config_.duration = 300ms;
    config_.zap_rate = 40;
    config_.working_set = 256;
  }
  CellResult measure() const {
    const PreparedCell cell = prepared(config_);
    return cell.reference->measure(cell);
  }
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
