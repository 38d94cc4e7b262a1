#include "harness/measure/pmu/rdpmc.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace shadowwalk::pmu
