#include "harness/lab/grace_period_record.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace shadowwalk {
namespace {

constexpr std::uint64_t kStart = 1000;
constexpr std::uint64_t kLength = 256 * 100;  // an interval is 100 ticks
constexpr double kNsPerTick = 0.5;
std::uint64_t to_whole_ns(std::uint64_t ticks) { return ticks / 2; }

class GracePeriodRecordTest : public testing::Test {
 protected:
  GracePeriodRecordTest() { window_.set(kStart, kStart + kLength); }
  static double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

  Window window_;
  GracePeriodRecord record_{window_, to_whole_ns};
};

TEST_F(GracePeriodRecordTest, OneWithinAnInterval) {
  record_.on_grace_period(kStart + 210, kStart + 250);
  const auto result = record_.result();
  EXPECT_EQ(result.began[2], 1u);
  EXPECT_DOUBLE_EQ(result.under_way_ns[2], 20);
  EXPECT_DOUBLE_EQ(sum(result.under_way_ns), 20);
  EXPECT_EQ(result.ns.max(), 20u);
  ASSERT_EQ(result.each.size(), 1u);
  EXPECT_EQ(result.each[0], std::pair(105.0, 125.0));
}

TEST_F(GracePeriodRecordTest, OneAcrossIntervalsIsUnderWayInEach) {
  record_.on_grace_period(kStart + 150, kStart + 420);
  const auto result = record_.result();
  EXPECT_EQ(result.began[1], 1u);
  EXPECT_EQ(std::accumulate(result.began.begin(), result.began.end(), std::uint64_t{0}), 1u);
  EXPECT_DOUBLE_EQ(result.under_way_ns[1], 25);
  EXPECT_DOUBLE_EQ(result.under_way_ns[2], 50);
  EXPECT_DOUBLE_EQ(result.under_way_ns[3], 50);
  EXPECT_DOUBLE_EQ(result.under_way_ns[4], 10);
  EXPECT_DOUBLE_EQ(sum(result.under_way_ns), 135);
}

TEST_F(GracePeriodRecordTest, WhatReachesBeyondTheWindowIsCutThere) {
  record_.on_grace_period(kStart - 500, kStart + 50);
  record_.on_grace_period(kStart + kLength - 50, kStart + kLength + 500);
  const auto result = record_.result();
  EXPECT_EQ(result.touched, 2u);
  EXPECT_EQ(result.ns.count(), 1u) << "the first began before";
  EXPECT_EQ(result.ns.max(), 275u) << "how long it really took";
  EXPECT_EQ(result.began[255], 1u);
  EXPECT_DOUBLE_EQ(result.under_way_ns[0], 25);
  EXPECT_DOUBLE_EQ(result.under_way_ns[255], 25);
  EXPECT_EQ(result.each[0], std::pair(0.0, 25.0));
  EXPECT_EQ(result.each[1].second, kLength * kNsPerTick);
}

TEST_F(GracePeriodRecordTest, OneAsLongAsTheWindowIsUnderWayThroughout) {
  record_.on_grace_period(kStart - 10, kStart + kLength + 10);
  const auto result = record_.result();
  for (const double ns : result.under_way_ns) EXPECT_DOUBLE_EQ(ns, 50);
}

TEST_F(GracePeriodRecordTest, OutsideTheWindowNothingCounts) {
  record_.on_grace_period(10, kStart - 1);
  record_.on_grace_period(kStart + kLength, kStart + kLength + 10);
  const auto result = record_.result();
  EXPECT_EQ(result.touched, 0u);
  EXPECT_EQ(result.ns.count(), 0u);
  EXPECT_DOUBLE_EQ(sum(result.under_way_ns), 0);
}

TEST_F(GracePeriodRecordTest, BeforeTheWindowIsSetNothingCounts) {
  const Window never;
  GracePeriodRecord record(never, to_whole_ns);
  record.on_grace_period(10, 20);
  EXPECT_EQ(record.result().touched, 0u);
}

TEST_F(GracePeriodRecordTest, TooManyAreToldByIntervalOnly) {
  for (std::uint64_t i = 0; i <= GracePeriodRecord::kMostKept; ++i) {
    if (i == GracePeriodRecord::kMostKept) {
      EXPECT_EQ(record_.result().each.size(), GracePeriodRecord::kMostKept);
    }
    record_.on_grace_period(kStart + 90 * i, kStart + 90 * i + 45);
  }
  const auto result = record_.result();
  EXPECT_EQ(result.touched, GracePeriodRecord::kMostKept + 1);
  EXPECT_TRUE(result.each.empty());
  EXPECT_EQ(result.ns.count(), result.touched);
  EXPECT_NEAR(sum(result.under_way_ns), 257 * 45 * kNsPerTick, 1e-6);
}

}  // namespace
}  // namespace shadowwalk
