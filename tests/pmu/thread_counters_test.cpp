#include "harness/measure/pmu/thread_counters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "tests/pmu/fake_kernel.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<EncodedEvent> core_events(std::size_t count) {
  std::vector<EncodedEvent> events;
  for (std::size_t i = 1; i <= count; ++i) events.push_back(fake_event(i));
  return events;
}

std::vector<std::vector<std::size_t>> groups_of(const ThreadCounters& counters) {
  std::vector<std::vector<std::size_t>> groups;
  for (const auto& group : counters.groups()) groups.push_back(group.events);
  return groups;
}

TEST(ThreadCounters, WhatFitsIsOneGroup) {
  FakeKernel kernel(4);
  const ThreadCounters counters(core_events(4), kernel, kBareMetal);
  EXPECT_THAT(groups_of(counters), ElementsAre(ElementsAre(0, 1, 2, 3)));
  EXPECT_TRUE(counters.refused().empty());
}

TEST(ThreadCounters, WhatDoesNotFitBeginsAnotherGroup) {
  FakeKernel kernel(4);
  const ThreadCounters counters(core_events(10), kernel, kBareMetal);
  EXPECT_THAT(groups_of(counters), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7), ElementsAre(8, 9)));
}

TEST(ThreadCounters, CountersInOtherHandsAreLeftOut) {
  FakeKernel kernel(4, /*held=*/1);  // the kernel takes groups of 4, but they never run
  const ThreadCounters counters(core_events(7), kernel, kBareMetal);
  EXPECT_THAT(groups_of(counters), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5), ElementsAre(6)));
  EXPECT_EQ(kernel.open_files(), 7u);
}

TEST(ThreadCounters, APmuThatNeverRunsAnythingStillEndsTheSearch) {
  FakeKernel kernel(2, /*held=*/2);
  ThreadCounters counters(core_events(3), kernel, kBareMetal);
  EXPECT_EQ(counters.groups().size(), 3u);
  counters.enable();
  for (const CounterReading& reading : counters.read())
    EXPECT_EQ(reading.running_ns, 0u) << "never counted, and says so";
}

TEST(ThreadCounters, SoftwareEventsHaveAGroupOfTheirOwn) {
  FakeKernel kernel(4);
  std::vector<EncodedEvent> events = {fake_event(1), fake_event(2, EventKind::software), fake_event(3),
                                      fake_event(4, EventKind::software)};
  const ThreadCounters counters(events, kernel, kBareMetal);
  EXPECT_THAT(groups_of(counters), ElementsAre(ElementsAre(0, 2), ElementsAre(1, 3)));
}

TEST(ThreadCounters, OneRefusalDoesNotKeepTheOthersFromCounting) {
  FakeKernel kernel(4);
  std::vector<EncodedEvent> events = {fake_event(FakeKernel::kNoSuchEvent), fake_event(1), fake_event(2)};
  const ThreadCounters counters(events, kernel, kBareMetal);
  EXPECT_THAT(groups_of(counters), ElementsAre(ElementsAre(1, 2)));
  ASSERT_EQ(counters.refused().size(), 1u);
  EXPECT_EQ(counters.refused()[0].event, "event-666");
  EXPECT_THAT(counters.refused()[0].reason, HasSubstr("no such event"));
}

TEST(ThreadCounters, OnlyLeadersAreOpenedStopped) {
  FakeKernel kernel(4);
  const ThreadCounters counters(core_events(2), kernel, kBareMetal);
  EXPECT_TRUE(kernel.attributes_of(10).disabled);
  EXPECT_FALSE(kernel.attributes_of(11).disabled) << "members follow their leader";
}

TEST(ThreadCounters, CountsFromEnableOn) {
  FakeKernel kernel(4);
  ThreadCounters counters(core_events(2), kernel, kBareMetal);
  counters.enable();
  const auto first = counters.read();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].enabled_ns, 100u) << "what the trial of the group took is not counted";
  EXPECT_EQ(first[0].count, 100u);
  EXPECT_EQ(first[1].count, 200u);
  EXPECT_EQ(first[1].group, 0u);
  EXPECT_LT(first[0].running_ns, first[0].enabled_ns);
  EXPECT_EQ(counters.read()[0].enabled_ns, 200u);
  counters.disable();
  EXPECT_EQ(counters.read()[0].enabled_ns, 300u);
  EXPECT_EQ(counters.read()[0].enabled_ns, 300u) << "stopped";
}

TEST(ThreadCounters, NothingStaysOpenOrMapped) {
  FakeKernel kernel(2, /*held=*/1);
  { const ThreadCounters counters(core_events(5), kernel, kBareMetal); }
  EXPECT_EQ(kernel.open_files(), 0u);
  EXPECT_EQ(kernel.mapped_pages(), 0u);
}

TEST(Scaling, AllTheTimeIsTheCountItself) {
  const ScaledCount scaled = scale(12345, 1000, 1000);
  EXPECT_DOUBLE_EQ(scaled.estimate.value(), 12345);
  EXPECT_DOUBLE_EQ(scaled.multiplexed, 0);
}

TEST(Scaling, AQuarterOfTheTimeCountsFourfold) {
  const ScaledCount scaled = scale(250, 4000, 1000);
  EXPECT_DOUBLE_EQ(scaled.estimate.value(), 1000);
  EXPECT_DOUBLE_EQ(scaled.multiplexed, 0.75);
}

TEST(Scaling, NothingCountedIsStillAnEstimateOfNone) { EXPECT_DOUBLE_EQ(scale(0, 4000, 1000).estimate.value(), 0); }

TEST(Scaling, NeverRunIsNoEstimate) {
  EXPECT_EQ(scale(7, 4000, 0).estimate, std::nullopt);
  EXPECT_DOUBLE_EQ(scale(7, 4000, 0).multiplexed, 1);
}

TEST(Scaling, NeverEnabledIsNoEstimateAndNotMultiplexed) {
  EXPECT_EQ(scale(7, 0, 0).estimate, std::nullopt);
  EXPECT_DOUBLE_EQ(scale(7, 0, 0).multiplexed, 0);
  EXPECT_EQ(scale(7, 0, 5).estimate, std::nullopt);
}

TEST(Scaling, RunningALittleLongerThanEnabledIsNotMoreThanAll) {
  const ScaledCount scaled = scale(100, 1000, 1001);
  EXPECT_DOUBLE_EQ(scaled.estimate.value(), 100);
  EXPECT_DOUBLE_EQ(scaled.multiplexed, 0);
}

TEST(Scaling, ExtremesStayFinite) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_DOUBLE_EQ(scale(1e19, kMost, kMost).estimate.value(), 1e19);
  EXPECT_NEAR(scale(1, kMost, 1).estimate.value(), 1.8446744073709552e19, 1e10);
  EXPECT_LE(scale(1, kMost, 1).multiplexed, 1);
}

}  // namespace
}  // namespace shadowwalk::pmu
