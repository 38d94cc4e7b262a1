#include "harness/machine/cycle_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <vector>

namespace shadowwalk {
namespace {

TEST(CycleClockTest, NeverRunsBackwardsWithinAThread) {
  std::uint64_t last = CycleClock::now();
  for (int i = 0; i < 1'000'000; ++i) {
    const std::uint64_t now = CycleClock::now();
    ASSERT_GE(now, last);
    last = now;
  }
}

// Each tick count is read between two looks at CLOCK_MONOTONIC, so that losing the CPU widens the bounds.
TEST(CycleClockTest, AgreesWithClockMonotonic) {
  const std::uint64_t first_ns_before = CycleClock::monotonic_ns();
  const std::uint64_t first = CycleClock::now();
  const std::uint64_t first_ns_after = CycleClock::monotonic_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::uint64_t last_ns_before = CycleClock::monotonic_ns();
  const std::uint64_t last = CycleClock::now();
  const std::uint64_t last_ns_after = CycleClock::monotonic_ns();

  constexpr double kTolerance = 0.01;  // of a calibration that lost its CPU too
  const double elapsed = CycleClock::to_ns(last - first);
  EXPECT_GE(elapsed, static_cast<double>(last_ns_before - first_ns_after) * (1 - kTolerance));
  EXPECT_LE(elapsed, static_cast<double>(last_ns_after - first_ns_before) * (1 + kTolerance));
}

TEST(CycleClockTest, NanosecondsAndTicksConvertBothWays) {
  EXPECT_EQ(CycleClock::to_ns(0), 0);
  EXPECT_EQ(CycleClock::from_ns(0), 0u);
  const double tick_ns = CycleClock::to_ns(1);
  EXPECT_GT(tick_ns, 0);
  for (double ns = 1; ns < 1e13; ns *= 3.7) {  // to hours
    const double back = CycleClock::to_ns(CycleClock::from_ns(ns));
    EXPECT_LE(std::abs(back - ns), tick_ns + ns * 1e-12) << ns;
  }
}

TEST(CycleClockTest, TicksOfTwoThreadsCompare) {
  const std::uint64_t before = CycleClock::now();
  std::uint64_t within = 0;
  std::thread([&] { within = CycleClock::now(); }).join();
  EXPECT_GT(within, before);
  EXPECT_GT(CycleClock::now(), within);
}

// In a process of its own, which runs this test alone from its start.
TEST(CycleClockDeathTest, IsCalibratedByTheFirstConversionAndNotBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto convert_late = [] {
    const std::uint64_t start = CycleClock::now();
    if (CycleClock::now() < start || CycleClock::is_calibrated()) std::_Exit(1);
    if (!(CycleClock::to_ns(1'000'000) > 0) || !CycleClock::is_calibrated()) std::_Exit(2);
    std::_Exit(0);
  };
  EXPECT_EXIT(convert_late(), testing::ExitedWithCode(0), "");
}

TEST(CycleClockDeathTest, ThreadsThatConvertFirstGetOneCalibration) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto convert_at_once = [] {
    std::array<double, 4> tick_ns{};
    {
      std::vector<std::jthread> threads;
      for (double& mine : tick_ns) threads.emplace_back([&mine] { mine = CycleClock::to_ns(1'000'000); });
    }
    for (const double ns : tick_ns) {
      if (ns != tick_ns[0] || ns <= 0) std::_Exit(1);
    }
    std::_Exit(CycleClock::calibrate() * 1e6 == tick_ns[0] ? 0 : 2);
  };
  EXPECT_EXIT(convert_at_once(), testing::ExitedWithCode(0), "");
}

TEST(CycleClockTest, TellsItsCostAndItsKind) {
  EXPECT_GT(CycleClock::read_cost_ns(), 0);
  EXPECT_EQ(CycleClock::read_cost_ns(), CycleClock::read_cost_ns()) << "measured once";
  EXPECT_THAT(CycleClock::describe(), testing::MatchesRegex("tsc [0-9.]+ MHz, invariant|clock_gettime: .+"));
}

TEST(ClocksourceTest, IsKnownByItsWholeName) {
  EXPECT_TRUE(has_clocksource("tsc kvm-clock hpet acpi_pm ", "tsc"));
  EXPECT_TRUE(has_clocksource("tsc", "tsc"));
  EXPECT_TRUE(has_clocksource("kvm-clock tsc\n", "tsc"));
  EXPECT_FALSE(has_clocksource("tsc-early hpet acpi_pm", "tsc"));
  EXPECT_FALSE(has_clocksource("hyperv_clocksource_tsc_page acpi_pm", "tsc"));
  EXPECT_FALSE(has_clocksource("", "tsc"));
}

}  // namespace
}  // namespace shadowwalk
