#include "harness/measure/noise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
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
  const std::uint64_t first = host_activity().steal_ns;
  const std::uint64_t second = host_activity().steal_ns;
  EXPECT_GE(second, first);
  std::ifstream file("/proc/uptime");
  double uptime = 0;
  ASSERT_TRUE(file >> uptime);
  const auto cpus = static_cast<double>(sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_LE(static_cast<double>(second), (uptime + 1) * 1e9 * cpus);
}

class ProcStat : public testing::Test {
 protected:
  HostActivity read(const std::string& text, const std::vector<unsigned>& cpus = {}) {
    const std::string path = testing::TempDir() + "proc_stat_" + std::to_string(getpid());
    std::ofstream(path) << text;
    const HostActivity activity = host_activity(path, cpus);
    std::filesystem::remove(path);
    return activity;
  }
  const std::uint64_t tick_ns = 1'000'000'000u / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
};

TEST_F(ProcStat, BusyIsAllButIdleWaitingAndSteal) {
  const HostActivity activity =
      read("cpu  1 20 300 4000 50000 600000 7000000 80000000 1 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n");
  EXPECT_EQ(activity.busy_ns, (1 + 20 + 300 + 600000 + 7000000) * tick_ns);
  EXPECT_EQ(activity.steal_ns, 80000000 * tick_ns);
}

TEST_F(ProcStat, ALoadBesideTheCpusetIsNotSeen) {
  const std::string host =
      "cpu  1110 0 0 0 0 0 0 77 0 0\ncpu0 1000 0 0 0 0 0 0 70 0 0\ncpu5 100 0 0 0 0 0 0 0 0 0\n"
      "cpu1031 10 0 0 0 0 0 0 7 0 0\nintr 1 2 3\n";
  EXPECT_EQ(read(host, {5, 1031}).busy_ns, 110 * tick_ns);
  EXPECT_EQ(read(host, {5, 1031}).steal_ns, 7 * tick_ns);
  EXPECT_EQ(read(host, {}).busy_ns, 1110 * tick_ns);
  EXPECT_EQ(read(host, {5, 6}).busy_ns, 1110 * tick_ns) << "LXCFS has numbered the CPUs anew";
}

TEST(AllowedCpus, AreThoseOfThisThread) {
  const std::vector<unsigned> all = os::allowed_cpus();
  ASSERT_FALSE(all.empty());
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(all.front(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(os::allowed_cpus(), std::vector<unsigned>{all.front()});
  }).join();
}

TEST_F(ProcStat, WhatIsNoStatTellsNothing) {
  for (const char* text : {"", "cpu 1 2 3\n", "gpu 1 2 3 4 5 6 7 8\n", "cpu a b c d e f g h\n"}) {
    EXPECT_EQ(read(text).busy_ns, 0u) << text;
    EXPECT_EQ(read(text).steal_ns, 0u) << text;
  }
  EXPECT_EQ(host_activity("/nonexistent").busy_ns, 0u);
}

TEST(NoiseTest, OtherLoadIsWhatIsNotOurs) {
  const HostActivity before{.steal_ns = 0, .busy_ns = 1'000'000'000, .own_ns = 500'000'000};
  const HostActivity after{.steal_ns = 0, .busy_ns = 5'000'000'000, .own_ns = 2'500'000'000};
  EXPECT_DOUBLE_EQ(other_load_cpus(before, after, 2), 1);
  const HostActivity rounded_down{.steal_ns = 0, .busy_ns = 2'990'000'000, .own_ns = 2'500'000'000};
  EXPECT_DOUBLE_EQ(other_load_cpus(before, rounded_down, 2), 0) << "ticks are coarse: never negative";
  EXPECT_DOUBLE_EQ(other_load_cpus(before, after, 0), 0);
}

TEST(NoiseTest, OwnTimeGrowsWithOwnWork) {
  const HostActivity before = host_activity();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (host_activity().own_ns < before.own_ns + 20'000'000 && std::chrono::steady_clock::now() < give_up) {
  }
  EXPECT_GE(host_activity().own_ns, before.own_ns + 20'000'000);
}

Noise quiet() {
  Noise noise;
  noise.duration_s = 2;
  noise.cpus = 4;
  noise.walkers = 2;
  noise.busy_threads = 2;
  return noise;
}

TEST(NoiseReasons, AQuietCellHasNone) {
  Noise noise = quiet();
  noise.walker_switches = 400;
  noise.zapper_switches = 400;
  noise.walkers_off_cpu_ns = 39'000'000;
  noise.steal_ns = 40'000'000;
  noise.other_load_cpus = 0.18;
  noise.core_speed_change = 1.049;
  EXPECT_TRUE(noise_reasons(noise).empty()) << "close to the limits, not past them";
}

TEST(NoiseReasons, EachLimitIsOneReason) {
  using testing::ElementsAre;
  using testing::HasSubstr;
  Noise steal = quiet();
  steal.steal_ns = 200'000'000;
  EXPECT_THAT(noise_reasons(steal), ElementsAre(HasSubstr("took 5.0 % of the CPU time (steal)")));
  Noise load = quiet();
  load.other_load_cpus = 0.19;
  EXPECT_THAT(noise_reasons(load), ElementsAre("other processes took 0.19 of 4 CPUs"));
  Noise preempted = quiet();
  preempted.walkers_off_cpu_ns = 60'000'000;
  EXPECT_THAT(noise_reasons(preempted), ElementsAre("vCPUs were off their CPUs for 1.5 % of the time"));
  preempted.oversubscribed = true;
  EXPECT_TRUE(noise_reasons(preempted).empty()) << "an oversubscribed cell is meant to switch";
  for (const double change : {0.94, 1.06}) {
    Noise speed = quiet();
    speed.core_speed_change = change;
    EXPECT_THAT(noise_reasons(speed), ElementsAre(HasSubstr("times its earlier speed")));
  }
}

TEST(NoiseTest, CpuTimeOfAThreadStandsStillWhileItSleeps) {
  const std::uint64_t before = cpu_ns_of_this_thread();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const std::uint64_t slept = cpu_ns_of_this_thread();
  EXPECT_LT(slept - before, 100'000'000u);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (cpu_ns_of_this_thread() < slept + 20'000'000 && std::chrono::steady_clock::now() < give_up) {
  }
  EXPECT_GE(cpu_ns_of_this_thread(), slept + 20'000'000);
}

TEST(CoreSpeed, IsThatOfAProcessor) {
  const double multiplications_per_ns = core_speed();
  EXPECT_GT(multiplications_per_ns, 1e-3);
  EXPECT_LT(multiplications_per_ns, 10) << "no CPU multiplies two dependent numbers in a tenth of a nanosecond";
}

}  // namespace
}  // namespace shadowwalk
