#include "harness/lab/cell_records.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace shadowwalk {
namespace {

/// Serves every access but those of one gfn.
struct ScriptedVcpu {
  using Clock = CycleClock;
  bool served(Access access) {
    walked.push_back(access.gfn());
    return access.gfn() != faulting;
  }
  bool fault(Access access) {
    if (cell_is_over) return false;
    faulted.push_back(access.gfn());
    return true;
  }
  bool cell_is_over = false;
  std::uint64_t faulting = ~0ull;
  std::vector<std::uint64_t> walked;
  std::vector<std::uint64_t> faulted;
};

std::vector<Access> burst(std::size_t count) {
  std::vector<Access> accesses;
  for (std::size_t i = 0; i < count; ++i) accesses.push_back(Access::make(i, AccessKind::mmio));
  return accesses;
}

TEST(WalkBurst, WalksEachAccessOnceInOrder) {
  Window window;
  window.set(0, ~0ull);
  for (const std::size_t size : {1u, 2u, 4092u, 4093u, 4094u, 20000u}) {
    WalkRecord record(window, 1024);
    ScriptedVcpu vcpu;
    const std::vector<Access> accesses = burst(size);
    walk_burst(vcpu, accesses, record);
    ASSERT_EQ(vcpu.walked.size(), size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(vcpu.walked[i], i);
    EXPECT_EQ(record.walks, size);
    EXPECT_EQ(record.walk_ns.count(), (size - 1) / WalkRecord::kSamplePeriod + 1);
  }
}

/// A vCPU whose leaves are not 0, which the next walk's gfn must not show.
struct InTurnVcpu : ScriptedVcpu {
  bool served_after(Access access, std::uint64_t zero, std::uint64_t& leaf) {
    EXPECT_EQ(zero, 0u);
    leaf = ~0ull;
    ++in_turn;
    return served(access);
  }
  unsigned in_turn = 0;
};

TEST(WalkBurst, InLatencyModeWalksTakeTurnsAndReachTheSamePages) {
  Window window;
  window.set(0, ~0ull);
  for (const Instrumentation level : {Instrumentation::none, Instrumentation::light}) {
    WalkRecord record(window, 1024, level, WalkMode::latency);
    InTurnVcpu vcpu;
    vcpu.faulting = 7;
    walk_burst(vcpu, burst(100), record);
    EXPECT_EQ(vcpu.in_turn, 100u);
    ASSERT_EQ(vcpu.walked.size(), 100u);
    for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(vcpu.walked[i], i);
    EXPECT_EQ(vcpu.faulted, std::vector<std::uint64_t>{7});
    EXPECT_EQ(record.walks, 100u);
    WalkRecord overlapping(window, 1024, level);
    walk_burst(vcpu, burst(100), overlapping);
    EXPECT_EQ(vcpu.in_turn, 100u) << "not in the mode throughput";
  }
}

TEST(WalkBurst, WritesToPageTablesFaultInLatencyModeToo) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1024, Instrumentation::light, WalkMode::latency);
  InTurnVcpu vcpu;
  const std::vector<Access> accesses = {Access::make(3, AccessKind::page_table_write)};
  walk_burst(vcpu, accesses, record);
  EXPECT_EQ(vcpu.in_turn, 0u);
  EXPECT_EQ(vcpu.faulted.size(), 1u);
}

/// A window of ticks [1000, 2000).
class ZapRecordTest : public testing::Test {
 protected:
  ZapRecordTest() { window_.set(1000, 2000); }
  void zap(std::uint64_t intended, std::uint64_t began, std::uint64_t end, std::size_t pages = 1) {
    record_.record({.pages = pages}, intended, began, end, window_, true);
  }
  Window window_;
  ZapRecord record_;
};

TEST_F(ZapRecordTest, AZapThatEndsAfterTheWindowCountsByItsIntendedStart) {
  zap(900, 950, 1100);    // before the window: its end is a zap of the window's rate
  zap(1000, 1000, 1200);  // as a whole
  zap(1900, 1950, 5000);  // the slowest
  EXPECT_EQ(record_.zaps, 2u);
  EXPECT_EQ(record_.zaps_total, 3u);
  EXPECT_EQ(record_.zaps_unfinished, 1u);
  EXPECT_EQ(record_.zap_ns.count(), 2u);
  EXPECT_EQ(record_.zap_ns.max(), CycleClock::to_whole_ns(3100));
  EXPECT_EQ(record_.zap_service_ns.count(), 2u);
  EXPECT_EQ(record_.zap_service_ns.max(), CycleClock::to_whole_ns(3050));
}

TEST_F(ZapRecordTest, AZapThatNeverBeganIsAtLeastAsLateAsTheEnd) {
  record_.record_not_begun(1500, 9000, window_, true);
  record_.record_not_begun(500, 9000, window_, true);
  record_.record_not_begun(2000, 9000, window_, true);
  EXPECT_EQ(record_.zaps_unfinished, 1u);
  EXPECT_EQ(record_.zap_ns.count(), 1u);
  EXPECT_EQ(record_.zap_ns.max(), CycleClock::to_whole_ns(7500));
  EXPECT_EQ(record_.zaps, 0u);
}

TEST_F(ZapRecordTest, EmptyZapsHaveNoLatency) {
  zap(1100, 1100, 1200, 0);
  EXPECT_EQ(record_.zaps_empty, 1u);
  EXPECT_EQ(record_.zap_ns.count(), 0u);
}

TEST(WalkBurst, SmallBurstsSampleEveryWalk) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1);
  ScriptedVcpu vcpu;
  for (int i = 0; i < 10; ++i) walk_burst(vcpu, burst(1), record);
  EXPECT_EQ(record.walk_ns.count(), 10u);
}

/// A vCPU with sections: a walk that was clocked as one is marked.
struct SectionedVcpu : ScriptedVcpu {
  bool served_clocking_section(Access access, std::uint64_t& ticks) {
    const bool done = served(access);
    ticks = done ? 1'000'000'000 : 0;
    return done;
  }
};

TEST(WalkBurst, SamplesAreOfAWalkAndOfASectionInTurn) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1);
  SectionedVcpu vcpu;
  for (int i = 0; i < 10; ++i) walk_burst(vcpu, burst(1), record);
  EXPECT_EQ(vcpu.walked.size(), 10u);
  EXPECT_EQ(record.walk_ns.count(), 5u);
  EXPECT_EQ(record.section_ns.count(), 5u);
  EXPECT_LT(record.walk_ns.max(), record.section_ns.min()) << "each sample is in its own histogram";
}

TEST(WalkBurst, ASampledSectionThatFaultsIsServedByTheFaultPath) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1);
  SectionedVcpu vcpu;
  vcpu.faulting = 0;
  for (int i = 0; i < 4; ++i) walk_burst(vcpu, burst(1), record);
  EXPECT_EQ(vcpu.faulted.size(), 4u) << "once an access, whatever was sampled";
  EXPECT_EQ(record.faults, 4u);
  EXPECT_EQ(record.walk_ns.count() + record.section_ns.count(), 0u) << "a fault is no walk";
}

TEST(WalkBurst, LightClocksBurstsAndFaultsAndSamplesNothing) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1, Instrumentation::light);
  SectionedVcpu vcpu;
  vcpu.faulting = 3;
  walk_burst(vcpu, burst(5000), record);
  EXPECT_EQ(record.walks, 5000u);
  EXPECT_GT(record.walk_ticks, 0u);
  EXPECT_EQ(record.fault_ns.count(), 1u);
  EXPECT_EQ(record.walk_ns.count() + record.section_ns.count(), 0u);
}

TEST(WalkBurst, NoneOnlyCounts) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1024, Instrumentation::none);
  SectionedVcpu vcpu;
  vcpu.faulting = 3;
  walk_burst(vcpu, burst(5000), record);
  EXPECT_EQ(vcpu.walked.size(), 5000u);
  EXPECT_EQ(vcpu.faulted.size(), 1u);
  EXPECT_EQ(record.walks, 5000u);
  EXPECT_EQ(record.faults, 1u);
  EXPECT_EQ(record.walk_ticks, 0u);
  EXPECT_EQ(record.fault_ns.count(), 0u);
  Window unset;
  WalkRecord outside(unset, 1024, Instrumentation::none);
  walk_burst(vcpu, burst(10), outside);
  EXPECT_EQ(outside.walks, 0u);
}

TEST(WalkBurst, FaultsAreCountedApart) {
  Window window;
  window.set(0, ~0ull);
  WalkRecord record(window, 1024);
  ScriptedVcpu vcpu;
  vcpu.faulting = 3;
  walk_burst(vcpu, burst(10), record);
  EXPECT_EQ(vcpu.faulted, std::vector<std::uint64_t>{3});
  EXPECT_EQ(record.faults, 1u);
  EXPECT_EQ(record.fault_ns.count(), 1u);
  EXPECT_EQ(record.walks, 10u);
}

TEST(WalkBurst, AFaultThatDoesNothingAnyMoreIsNotCounted) {
  Window window;
  window.set(0, ~0ull);
  for (const Instrumentation level : {Instrumentation::none, Instrumentation::full}) {
    WalkRecord record(window, 1024, level);
    ScriptedVcpu vcpu;
    vcpu.faulting = 3;
    vcpu.cell_is_over = true;
    walk_burst(vcpu, burst(10), record);
    EXPECT_EQ(vcpu.walked.size(), 10u);
    EXPECT_EQ(record.faults + record.faults_total + record.fault_ns.count(), 0u);
  }
}

TEST(WalkBurst, NothingCountsOutsideTheWindow) {
  Window window;  // never set
  WalkRecord record(window, 1024);
  ScriptedVcpu vcpu;
  vcpu.faulting = 3;
  walk_burst(vcpu, burst(10), record);
  EXPECT_EQ(record.walks, 0u);
  EXPECT_EQ(record.walk_ticks, 0u);
  EXPECT_EQ(record.walk_ns.count(), 0u);
  EXPECT_EQ(record.fault_ns.count(), 0u);
  EXPECT_EQ(vcpu.walked.size(), 10u) << "but the work is done";
}

}  // namespace
}  // namespace shadowwalk
