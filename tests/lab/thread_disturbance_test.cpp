#include "harness/lab/thread_disturbance.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk {
namespace {

constexpr auto kSleep = std::chrono::milliseconds(50);
constexpr double kSleepNs = 50e6;

/// A window that has begun, and ends in an hour.
class ThreadDisturbanceTest : public testing::Test {
 protected:
  ThreadDisturbanceTest() { window_.set(start_, end_); }
  const std::uint64_t start_ = CycleClock::now();
  const std::uint64_t end_ = start_ + CycleClock::from_ns(3600e9);
  Window window_;
};

TEST_F(ThreadDisturbanceTest, TimeOffTheCpuIsSeen) {
  ThreadDisturbance disturbance(window_, true);
  disturbance.observe(start_);
  std::this_thread::sleep_for(kSleep);
  disturbance.observe(end_);
  EXPECT_GE(disturbance.off_cpu_ns(), 0.9 * kSleepNs);
  EXPECT_GT(disturbance.core_speed_change(), 0);
}

TEST_F(ThreadDisturbanceTest, AThreadThatMaySleepLosesNothingByIt) {
  ThreadDisturbance disturbance(window_, false);
  disturbance.observe(start_);
  std::this_thread::sleep_for(kSleep);
  disturbance.observe(end_);
  EXPECT_EQ(disturbance.off_cpu_ns(), 0);
  EXPECT_EQ(disturbance.core_speed_change(), 1) << "its CPU may have idled";
}

TEST_F(ThreadDisturbanceTest, WhatComesOutsideTheWindowDoesNotCount) {
  ThreadDisturbance disturbance(window_, true);
  disturbance.observe(start_ - CycleClock::from_ns(1e6));  // it is near
  std::this_thread::sleep_for(kSleep);
  disturbance.observe(start_);
  disturbance.observe(end_);
  const double off_cpu = disturbance.off_cpu_ns();
  const std::uint64_t switches = disturbance.involuntary_switches();
  std::this_thread::sleep_for(kSleep);
  disturbance.observe(end_ + 1);
  EXPECT_EQ(disturbance.off_cpu_ns(), off_cpu);
  EXPECT_EQ(disturbance.involuntary_switches(), switches);
}

TEST(ThreadDisturbance, AWindowThatIsNeverSetSeesNothing) {
  const Window unset;
  ThreadDisturbance disturbance(unset, true);
  disturbance.observe(CycleClock::now());
  std::this_thread::sleep_for(kSleep);
  disturbance.observe(CycleClock::now());
  EXPECT_EQ(disturbance.off_cpu_ns(), 0);
  EXPECT_EQ(disturbance.involuntary_switches(), 0u);
  EXPECT_EQ(disturbance.core_speed_change(), 1);
}

}  // namespace
}  // namespace shadowwalk
