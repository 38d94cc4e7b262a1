#include "harness/measure/pmu/scaling.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace shadowwalk::pmu {
namespace {

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
