#include "harness/lab/event_counts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "tests/pmu/fake_kernel.hpp"

namespace shadowwalk {
namespace {

using pmu::FakeKernel;
using testing::DoubleEq;
using testing::HasSubstr;

std::uint64_t counter_value = 0;
std::uint64_t read_counter(std::uint32_t) { return counter_value; }

/// A thread with one core event and one software event, on a PMU of its own.
struct FakeThread {
  FakeThread(const pmu::EncodedSelection& selection, const Window& window, std::size_t counters = 4,
             std::size_t held = 0)
      : kernel(counters, held), events(selection, window, /*stretches=*/true) {
    events.open(kernel, &read_counter);
  }
  /// The kernel puts the core event on counter 0, readable by anyone.
  void allow_self_reading() {
    kernel.page(0).cap_user_rdpmc = 1;
    kernel.page(0).pmc_width = 48;
    kernel.page(0).index = 1;
  }
  void work(std::uint64_t events_of_it, std::uint64_t units) {
    events.begin_work();
    counter_value += events_of_it;
    events.end_work(units);
  }

  FakeKernel kernel;
  ThreadEvents events;
};

class EventCountsTest : public testing::Test {
 protected:
  EventCountsTest() {
    selection_.events = {pmu::fake_event(5), pmu::fake_event(7, pmu::EventKind::software)};
    window_.set(1000, 2000);
  }
  FakeThread& thread(std::size_t counters = 4, std::size_t held = 0) {
    return threads_.emplace_back(selection_, window_, counters, held);
  }
  const EventCount* find(const std::string& event) const {
    for (const EventCount& count : counts_.counts) {
      if (count.event == event) return &count;
    }
    return nullptr;
  }

  pmu::EncodedSelection selection_;
  Window window_;
  std::list<FakeThread> threads_;
  EventCounts counts_;
};

TEST_F(EventCountsTest, CountsInTheWindowOnly) {
  FakeThread& vcpu = thread();
  vcpu.allow_self_reading();
  vcpu.work(100, 10);
  vcpu.events.observe(999);
  vcpu.work(100, 10);
  vcpu.events.observe(1000);
  vcpu.work(30, 10);
  vcpu.events.observe(1500);
  vcpu.work(12, 4);
  vcpu.events.observe(2000);
  vcpu.work(100, 10);
  const auto& totals = vcpu.events.stretches()->totals()[0];
  if (pmu::kHasRdpmc) {
    EXPECT_EQ(totals.counts[0], 42u);
    EXPECT_EQ(totals.seen_units, 14u);
  }
  const auto readings = vcpu.events.counters()->read();
  EXPECT_EQ(readings[0].enabled_ns, vcpu.events.counters()->read()[0].enabled_ns) << "stopped after the window";
}

TEST_F(EventCountsTest, WhatTheWorkAloneCountedIsScaledToAllOfIt) {
  if (!pmu::kHasRdpmc) GTEST_SKIP() << "no self-reading on this architecture";
  FakeThread& vcpu = thread();
  vcpu.allow_self_reading();
  vcpu.events.observe(1000);
  vcpu.work(30, 10);
  vcpu.events.observe(2000);
  add_role(counts_, kWalkers, {{&vcpu.events, 20}});  // 20 walks in the window, 10 of them seen
  const EventCount* core = find("event-5");
  ASSERT_NE(core, nullptr);
  EXPECT_EQ(core->scope, "walks");
  EXPECT_EQ(core->role, "walkers");
  EXPECT_THAT(core->count, DoubleEq(60));
  EXPECT_EQ(find("event-7")->scope, "thread") << "software has no counter to read";
}

TEST_F(EventCountsTest, WithoutSelfReadingItIsTheThreadsWholeWindow) {
  FakeThread& vcpu = thread();
  vcpu.events.observe(1000);
  vcpu.work(30, 10);
  add_role(counts_, kWalkers, {{&vcpu.events, 20}});
  const EventCount* core = find("event-5");
  ASSERT_NE(core, nullptr);
  EXPECT_EQ(core->scope, "thread");
  EXPECT_EQ(core->enabled_ns, 100u);
  EXPECT_EQ(core->running_ns, 75u) << "the fake PMU is shared";
  EXPECT_THAT(core->multiplexed, DoubleEq(0.25));
  EXPECT_THAT(core->count, DoubleEq(5 * 100 / 0.75));
}

TEST_F(EventCountsTest, OneThreadThatSawNoneOfItsWorkMakesItTheWholeThreads) {
  FakeThread& a = thread();
  FakeThread& b = thread();
  a.allow_self_reading();
  for (FakeThread* vcpu : {&a, &b}) {
    vcpu->events.observe(1000);
    vcpu->work(30, 10);
  }
  add_role(counts_, kWalkers, {{&a.events, 10}, {&b.events, 10}});
  EXPECT_EQ(find("event-5")->scope, "thread");
}

TEST_F(EventCountsTest, ThreadsOfARoleAddUpAndRolesStayApart) {
  FakeThread& a = thread();
  FakeThread& b = thread();
  FakeThread& zapper = thread();
  for (FakeThread* each : {&a, &b, &zapper}) each->events.observe(1000);
  add_role(counts_, kWalkers, {{&a.events, 1}, {&b.events, 1}});
  add_role(counts_, kZappers, {{&zapper.events, 1}});
  ASSERT_EQ(counts_.counts.size(), 4u);
  const EventCount& walkers = counts_.counts[0];
  const EventCount& zappers = counts_.counts[2];
  EXPECT_EQ(walkers.role, "walkers");
  EXPECT_EQ(zappers.role, "zappers");
  EXPECT_THAT(walkers.count, DoubleEq(2 * zappers.count));
  EXPECT_EQ(walkers.enabled_ns, 2 * zappers.enabled_ns);
}

TEST_F(EventCountsTest, ASumWithAPartMissingIsNone) {
  selection_.events.push_back(pmu::fake_event(FakeKernel::kNoSuchEvent));
  FakeThread& a = thread();
  FakeThread& b = thread(4, /*held=*/4);  // its PMU is in other hands
  for (FakeThread* each : {&a, &b}) each->events.observe(1000);
  add_role(counts_, kWalkers, {{&a.events, 1}, {&b.events, 1}});
  EXPECT_EQ(find("event-5"), nullptr);
  EXPECT_NE(find("event-7"), nullptr);
  ASSERT_EQ(counts_.refused.size(), 2u) << "each event once, not once a thread";
  EXPECT_EQ(counts_.refused[0].event, "event-666");
  EXPECT_EQ(counts_.refused[1].event, "event-5");
  EXPECT_THAT(counts_.refused[1].reason, HasSubstr("never on the PMU"));
}

TEST_F(EventCountsTest, NoCyclesOfAThreadThatRanAreNoCount) {
  selection_.events = {pmu::fake_event(0), pmu::fake_event(0)};
  selection_.events[0].name = "cycles";
  selection_.events[1].name = "cache-misses";
  FakeThread& vcpu = thread();
  vcpu.events.observe(1000);
  add_role(counts_, kWalkers, {{&vcpu.events, 1}});
  EXPECT_EQ(find("cycles"), nullptr);
  ASSERT_EQ(counts_.refused.size(), 1u);
  EXPECT_THAT(counts_.refused[0].reason, HasSubstr("counts nothing"));
  ASSERT_NE(find("cache-misses"), nullptr);
  EXPECT_EQ(find("cache-misses")->count, 0) << "none of these is possible";
}

TEST_F(EventCountsTest, AThreadThatNeverCameToTheWindowAddsNothing) {
  FakeThread& a = thread();
  FakeThread& idle = thread();
  a.events.observe(1000);
  idle.events.observe(999);
  add_role(counts_, kZappers, {{&a.events, 1}, {&idle.events, 0}});
  ASSERT_NE(find("event-5"), nullptr);
  EXPECT_EQ(find("event-5")->enabled_ns, 100u);
}

TEST_F(EventCountsTest, CountsAreInTheEventsUnit) {
  selection_.events[1].scale = 0.5;
  selection_.events[1].unit = "Joules";
  FakeThread& a = thread();
  a.events.observe(1000);
  add_role(counts_, kWalkers, {{&a.events, 1}});
  EXPECT_THAT(find("event-7")->count, DoubleEq(0.5 * 7 * 100 / 0.75));
  EXPECT_EQ(find("event-7")->unit, "Joules");
}

TEST(ThreadEvents, WithoutEventsNothingIsOpenedOrCounted) {
  const pmu::EncodedSelection none = encode_events("");
  Window window;
  window.set(0, 10);
  ThreadEvents events(none, window, true);
  events.open();
  events.observe(5);
  events.begin_work();
  events.end_work(3);
  EXPECT_EQ(events.counters(), nullptr);
  EventCounts counts;
  add_role(counts, kWalkers, {{&events, 3}});
  EXPECT_TRUE(counts.counts.empty());
  EXPECT_TRUE(counts.refused.empty());
}

}  // namespace
}  // namespace shadowwalk
