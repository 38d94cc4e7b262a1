#include "harness/measure/noise.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

namespace shadowwalk {
namespace {

TEST(NoiseTest, InvoluntarySwitchesAreTheThreadsOwn) {
  const std::uint64_t before = involuntary_switches_of_this_thread();
  std::thread([] {
    EXPECT_LE(involuntary_switches_of_this_thread(), 10u) << "a thread begins near 0, whatever the process has seen";
  }).join();
  EXPECT_GE(involuntary_switches_of_this_thread(), before);
}

// Two threads that compute on one CPU must take it from each other.
TEST(NoiseTest, InvoluntarySwitchesGrowWhenThreadsShareACpu) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
  }
  std::atomic<bool> seen{false};
  const auto compute = [&] {
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    const std::uint64_t before = involuntary_switches_of_this_thread();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!seen.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < give_up) {
      if (involuntary_switches_of_this_thread() >= before + 3) seen.store(true);
    }
  };
  std::thread a(compute);
  std::thread b(compute);
  a.join();
  b.join();
  EXPECT_TRUE(seen.load());
}

TEST(NoiseTest, StealNeverShrinksAndStaysBelowUptimeOfAllCpus) {
  const std::uint64_t first = steal_ns();
  const std::uint64_t second = steal_ns();
  EXPECT_GE(second, first);
  std::ifstream file("/proc/uptime");
  double uptime = 0;
  ASSERT_TRUE(file >> uptime);
  const auto cpus = static_cast<double>(sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_LE(static_cast<double>(second), (uptime + 1) * 1e9 * cpus);
}

TEST(NoiseTest, AvailableMemoryIsBetweenNothingAndAll) {
  const auto all =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  EXPECT_GT(available_memory_bytes(), std::uint64_t{1} << 20);
  EXPECT_LE(available_memory_bytes(), all);
}

}  // namespace
}  // namespace shadowwalk
