#include "harness/measure/pmu/stretch_counts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pmu/fake_kernel.hpp"

namespace shadowwalk::pmu {
namespace {

/// Two core events and a software one; the core events sit on counters 0 and 1, whose values tests set.
class StretchCountsTest : public testing::Test {
 protected:
  StretchCountsTest() : counters_(events(), kernel_, kBareMetal) {
    if (!kHasRdpmc) return;
    for (unsigned i = 0; i < 2; ++i) {
      kernel_.page(i).cap_user_rdpmc = 1;
      kernel_.page(i).pmc_width = 48;
      kernel_.page(i).index = i + 1;
    }
    counters_.enable();
  }
  void SetUp() override {
    if (!kHasRdpmc) GTEST_SKIP() << "no self-reading on this architecture";
  }
  static std::vector<EncodedEvent> events() {
    return {fake_event(1), fake_event(2), fake_event(3, EventKind::software)};
  }
  auto reader() {
    return [this](std::uint32_t counter) { return pmc_[counter]; };
  }

  FakeKernel kernel_{4};
  ThreadCounters counters_;
  std::uint64_t pmc_[2] = {1000, 2000};
};

TEST_F(StretchCountsTest, OnlyWhatHappensWithinStretchesCounts) {
  StretchCounts stretches(counters_, reader());
  for (int i = 0; i < 3; ++i) {
    pmc_[0] += 1'000'000;  // between stretches
    stretches.begin();
    pmc_[0] += 10;
    pmc_[1] += 7;
    stretches.end(4);
  }
  const auto& core = stretches.totals()[0];
  EXPECT_THAT(core.counts, testing::ElementsAre(30, 21));
  EXPECT_EQ(core.seen_units, 12u);
  EXPECT_EQ(core.all_units, 12u);
}

TEST_F(StretchCountsTest, AStretchWithoutWorkIsDropped) {
  StretchCounts stretches(counters_, reader());
  stretches.begin();
  pmc_[0] += 10;
  stretches.end(0);
  EXPECT_THAT(stretches.totals()[0].counts, testing::ElementsAre(0, 0));
  EXPECT_EQ(stretches.totals()[0].all_units, 0u);
}

TEST_F(StretchCountsTest, OffThePmuAtEitherEndIsSeenAsSuch) {
  StretchCounts stretches(counters_, reader());
  kernel_.page(1).index = 0;
  stretches.begin();
  kernel_.page(1).index = 2;
  pmc_[0] += 10;
  stretches.end(5);
  stretches.begin();
  kernel_.page(0).index = 0;
  stretches.end(6);
  kernel_.page(0).index = 1;
  stretches.begin();
  pmc_[0] += 3;
  stretches.end(7);
  const auto& core = stretches.totals()[0];
  EXPECT_THAT(core.counts, testing::ElementsAre(3, 0));
  EXPECT_EQ(core.seen_units, 7u);
  EXPECT_EQ(core.all_units, 18u);
}

TEST_F(StretchCountsTest, AnEventThatMovesToAnotherCounterKeepsItsCount) {
  StretchCounts stretches(counters_, reader());
  stretches.begin();
  pmc_[0] += 10;
  kernel_.page(0).lock += 2;
  kernel_.page(0).offset = static_cast<std::int64_t>(pmc_[0]);  // accounted for
  kernel_.page(0).index = 2;
  pmc_[1] = 5;
  stretches.end(1);
  EXPECT_EQ(stretches.totals()[0].counts[0], 15u);
}

TEST_F(StretchCountsTest, GroupsThatCannotBeSelfReadTakeNoPart) {
  EXPECT_TRUE(counters_.groups()[0].self_readable);
  EXPECT_FALSE(counters_.groups()[1].self_readable) << "software events have no counter";
  StretchCounts stretches(counters_, reader());
  stretches.begin();
  stretches.end(9);
  EXPECT_EQ(stretches.totals()[1].seen_units, 0u);
}

}  // namespace
}  // namespace shadowwalk::pmu
