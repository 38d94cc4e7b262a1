#include "harness/measure/pmu/self_reading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pmu/fake_kernel.hpp"

namespace shadowwalk::pmu {
namespace {

/// A page as the kernel leaves it for an event on counter 2 (index 3) that is 48 bits wide.
perf_event_mmap_page page_on_counter_2() {
  perf_event_mmap_page page{};
  page.lock = 8;
  page.cap_user_rdpmc = 1;
  page.index = 3;
  page.pmc_width = 48;
  page.offset = 1000;
  return page;
}

TEST(Rdpmc, AddsTheCounterToTheOffset) {
  const perf_event_mmap_page page = page_on_counter_2();
  std::uint32_t asked = 99;
  std::uint64_t count = 0;
  ASSERT_TRUE(read_self(
      page, [&](std::uint32_t counter) { return asked = counter, 234ull; }, count));
  EXPECT_EQ(asked, 2u) << "counters count from 0, index from 1";
  EXPECT_EQ(count, 1234u);
}

TEST(Rdpmc, TheTopBitOfTheWidthIsASign) {
  perf_event_mmap_page page = page_on_counter_2();
  page.offset = 1 << 20;
  std::uint64_t count = 0;
  ASSERT_TRUE(read_self(
      page, [](std::uint32_t) { return 0xffff'ffff'ff00ull; }, count));  // -256 of 48 bits
  EXPECT_EQ(count, (1u << 20) - 256u);
  page.pmc_width = 40;
  ASSERT_TRUE(read_self(
      page, [](std::uint32_t) { return 0xffff'ffff'ff00ull; }, count))
      << "bits past 40 are ignored";
  EXPECT_EQ(count, (1u << 20) - 256u);
  page.pmc_width = 64;
  ASSERT_TRUE(read_self(
      page, [](std::uint32_t) { return 5ull; }, count));
  EXPECT_EQ(count, (1u << 20) + 5u);
}

TEST(Rdpmc, ANegativeOffsetIsTakenAsSuch) {
  perf_event_mmap_page page = page_on_counter_2();
  page.offset = -100;
  std::uint64_t count = 0;
  ASSERT_TRUE(read_self(
      page, [](std::uint32_t) { return 150ull; }, count));
  EXPECT_EQ(count, 50u);
}

TEST(Rdpmc, WithoutPermissionTheInstructionIsNeverReached) {
  perf_event_mmap_page page = page_on_counter_2();
  page.cap_user_rdpmc = 0;
  std::uint64_t count = 77;
  int reads = 0;
  EXPECT_FALSE(read_self(
      page, [&](std::uint32_t) { return ++reads, 1ull; }, count));
  EXPECT_EQ(reads, 0) << "it would fault";
  EXPECT_EQ(count, 77u);
}

TEST(Rdpmc, OffThePmuIsNotReadableNow) {
  perf_event_mmap_page page = page_on_counter_2();
  page.index = 0;
  std::uint64_t count = 77;
  int reads = 0;
  EXPECT_FALSE(read_self(
      page, [&](std::uint32_t) { return ++reads, 1ull; }, count));
  EXPECT_EQ(reads, 0);
  EXPECT_EQ(count, 77u);
}

TEST(Rdpmc, AnImpossibleWidthIsNotReadable) {
  perf_event_mmap_page page = page_on_counter_2();
  std::uint64_t count = 0;
  page.pmc_width = 0;
  EXPECT_FALSE(read_self(
      page, [](std::uint32_t) { return 1ull; }, count));
  page.pmc_width = 65;
  EXPECT_FALSE(read_self(
      page, [](std::uint32_t) { return 1ull; }, count));
}

TEST(Rdpmc, AnInterruptInBetweenMeansAnotherTry) {
  perf_event_mmap_page page = page_on_counter_2();
  int reads = 0;
  std::uint64_t count = 0;
  ASSERT_TRUE(read_self(
      page,
      [&](std::uint32_t counter) {
        if (++reads == 1) {  // the kernel moves the event to counter 0 and accounts for what it had
          page.lock += 2;
          page.index = 1;
          page.offset = 5000;
          return 1'000'000ull;  // of the old counter: must not be used
        }
        EXPECT_EQ(counter, 0u);
        return 7ull;
      },
      count));
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(count, 5007u);
}

TEST(Rdpmc, APageThatStaysLockedEndsTheTries) {
  perf_event_mmap_page page = page_on_counter_2();
  page.lock = 9;
  std::uint64_t count = 77;
  EXPECT_FALSE(read_self(
      page, [](std::uint32_t) { return 1ull; }, count));
  EXPECT_EQ(count, 77u);
}

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
