#include "harness/verify/verify.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/lab/registry.hpp"
#include "tests/verify/safe_variants.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::MemoryModel;
using testing::ElementsAre;
using testing::HasSubstr;

Report verify(std::string_view variant, const VerifyConfig& setting) {
  return explore(verified_variants().at(variant), setting);
}

class SafeVariant : public testing::TestWithParam<std::string> {
 protected:
  static void expect_sound(VerifyConfig setting) {
    const Report report = verify(GetParam(), setting);
    EXPECT_TRUE(report.exhausted || report.covered_preemptions || report.executions == setting.most_executions);
    EXPECT_FALSE(report.failure) << report.failure->what;
    EXPECT_GT(report.executions, 1u);
  }
};

TEST_P(SafeVariant, NoScheduleOfTwoWalkersAndAZapperGoesWrong) {
  for (const MemoryModel memory : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    expect_sound({.memory = memory});
  }
}

TEST_P(SafeVariant, NoScheduleGoesWrongWhereThePageIsBuiltAgain) {
  expect_sound({.walkers = 1, .walks = 2, .faults = true});
}

TEST_P(SafeVariant, NoScheduleGoesWrongWithGuests) { expect_sound({.walkers = 1, .walks = 2, .guest = true}); }

TEST_P(SafeVariant, NoScheduleOfTwoZappersGoesWrong) { expect_sound({.walkers = 1, .zappers = 2}); }

// What is retired by one zap is freed by a later one: the part that deferring schemes show in no smaller system.
TEST_P(SafeVariant, NoScheduleOfTheFirstThousandsGoesWrongWhereThePageIsZappedTwice) {
  expect_sound({.walkers = 1, .walks = 2, .zaps = 2, .faults = true, .most_executions = 4000});
}

TEST_P(SafeVariant, NoScheduleOfTwoTablesGoesWrong) { expect_sound({.pages = 3}); }

TEST_P(SafeVariant, NoScheduleGoesWrongWhereEverythingIsZappedUnderAGuest) {
  expect_sound({.walkers = 1, .walks = 2, .pages = 3, .zap_all = true, .guest = true});
}

TEST_P(SafeVariant, NoneOfManySchedulesWithoutPreemptionsOfALargerSystemGoesWrong) {
  expect_sound(
      {.walkers = 1, .zappers = 2, .walks = 2, .zaps = 2, .pages = 3, .preemptions = 0, .most_executions = 5000});
}

TEST_P(SafeVariant, NoRandomScheduleOfALargerSystemGoesWrong) {
  const Report report = verify(
      GetParam(), {.walkers = 3, .zappers = 2, .walks = 2, .zaps = 2, .faults = true, .guest = true, .random = 200});
  EXPECT_EQ(report.executions, 200u);
  EXPECT_FALSE(report.exhausted) << "random schedules prove nothing";
  EXPECT_FALSE(report.failure) << report.failure->what;
}

INSTANTIATE_TEST_SUITE_P(Shipped, SafeVariant, testing::ValuesIn(test::safe_variants()), test::test_name);

TEST(Verify, UnsafeFailsAtOnceInEveryMemoryModel) {
  for (const MemoryModel memory : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    const Report report = verify("unsafe", {.memory = memory});
    ASSERT_TRUE(report.failure);
    EXPECT_THAT(report.failure->what, HasSubstr("freed"));
    EXPECT_LT(report.executions, 20u);
  }
}

TEST(Verify, RandomSchedulesFindUnsafeToo) { EXPECT_TRUE(verify("unsafe", {.walks = 2, .random = 1000}).failure); }

// Which of the negative twins verification catches, and where: all of them. (The stress test has one, too.)
TEST(NegativeTwin, AMissingFenceShowsWithStoreBuffersOnly) {
  for (const char* twin : {"irq-ipi-nofence", "ebr-nofence"}) {
    EXPECT_TRUE(verify(twin, {.memory = MemoryModel::tso}).failure) << twin;
    const Report report = verify(twin, {.memory = MemoryModel::sc});
    EXPECT_FALSE(report.failure) << twin;
    EXPECT_TRUE(report.exhausted) << twin;
  }
}
TEST(NegativeTwin, AMissingValidationShowsInEveryMemoryModel) {
  for (const MemoryModel memory : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_TRUE(verify("hazard-novalidate", {.memory = memory}).failure);
  }
}
TEST(NegativeTwin, AnEarlyReturnTakesASecondZapOfAPageThatWasBuiltAgain) {
  EXPECT_FALSE(verify("irq-ipi-early-return", {}).failure) << "the first flush is asked for by nobody else";
  EXPECT_TRUE(verify("irq-ipi-early-return", {.walkers = 1, .walks = 2, .zaps = 2, .faults = true}).failure);
}

TEST(Verify, AFailureIsToldAsAStory) {
  const VariantEntry& unsafe = verified_variants().at("unsafe");
  const VerifyConfig setting{.walkers = 1};
  const Report report = explore(unsafe, setting);
  ASSERT_TRUE(report.failure);
  const Story story = tell_story(unsafe, setting, *report.failure);
  EXPECT_EQ(story.what, report.failure->what);
  EXPECT_THAT(story.cpus, ElementsAre("walker-0", "zapper-0"));
  const auto line = [&](unsigned cpu, const std::string& text) {
    return std::ranges::find_if(story.lines, [&](const Story::Line& it) { return it.cpu == cpu && it.text == text; });
  };
  EXPECT_NE(line(0, "reads page 0[0] = page 1"), story.lines.end());
  const auto buffers = line(1, "buffers page 0[0] = 0");
  ASSERT_NE(buffers, story.lines.end());
  EXPECT_THAT(buffers->buffers, ElementsAre(testing::IsEmpty(), ElementsAre("page 0[0] = 0")));
  EXPECT_NE(line(1, "  all see page 1[0] = poison"), story.lines.end());
  EXPECT_NE(line(0, "reads page 1[0] = poison"), story.lines.end());
  EXPECT_EQ(story.steps.size(), report.failure->schedule.size());
}

TEST(Verify, AnExplorationStopsAtItsBound) {
  const Report report = verify("rcu-counter", {.most_executions = 10});
  EXPECT_EQ(report.executions, 10u);
  EXPECT_FALSE(report.exhausted);
}

TEST(Verify, PreemptionsAreBoundedFewestFirst) {
  const Report sound = verify("irq-ipi", {.walkers = 1, .preemptions = 1});
  EXPECT_FALSE(sound.failure);
  EXPECT_EQ(sound.covered_preemptions, 1u);
  EXPECT_FALSE(sound.exhausted);
  const Report unsafe = verify("unsafe", {.walkers = 1, .preemptions = 3});
  ASSERT_TRUE(unsafe.failure);
  EXPECT_EQ(unsafe.failure->preemptions, 1u) << "the walker, between two levels";
  EXPECT_TRUE(unsafe.failure->fewest_preemptions);
  EXPECT_EQ(unsafe.covered_preemptions, 0u);
}

TEST(Verify, MorePagesAreWalkedAndZapped) {
  const Report two = verify("irq-ipi", {.walks = 1, .zaps = 1});
  const Report three = verify("irq-ipi", {.walks = 1, .zaps = 1, .pages = 3});
  EXPECT_FALSE(three.failure);
  EXPECT_TRUE(three.exhausted);
  EXPECT_LT(three.executions, two.executions) << "the second walker's table is not the one that is zapped";
  EXPECT_TRUE(verify("unsafe", {.walkers = 1, .walks = 2, .zaps = 2, .pages = 3}).failure);
}

TEST(Verify, ZapsOfEverythingDropRootsOnVcpus) {
  const Report report = verify("irq-ipi", {.walkers = 1, .walks = 2, .pages = 3, .zap_all = true, .guest = true});
  EXPECT_FALSE(report.failure) << report.failure->what;
  EXPECT_TRUE(report.exhausted);
}

}  // namespace
}  // namespace shadowwalk::verify
