#include "harness/doctor/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "harness/machine/error.hpp"

namespace shadowwalk::doctor {
namespace {

/// CPUs 0 and 1: siblings; 2: the same L3; 3: the same socket; 4: the other one.
const std::vector<HardwareThread> kThreads = {
    {.cpu = 0, .core = 0, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0},
    {.cpu = 1, .core = 0, .sibling = 1, .llc = 0, .package = 0, .numa_node = 0},
    {.cpu = 2, .core = 1, .sibling = 0, .llc = 0, .package = 0, .numa_node = 0},
    {.cpu = 3, .core = 2, .sibling = 0, .llc = 1, .package = 0, .numa_node = 0},
    {.cpu = 4, .core = 3, .sibling = 0, .llc = 2, .package = 1, .numa_node = 1},
};

LineTransfer fake_measure(unsigned a, unsigned b) {
  return {.median_ns = 10.0 * b + a, .q1_ns = 1, .q3_ns = 99, .batches = 7};
}

TEST(TopologyTest, TiersByWhatIsShared) {
  const auto tier = [](unsigned a, unsigned b) { return tier_of(kThreads[a], kThreads[b]); };
  EXPECT_EQ(tier(0, 1), Tier::core);
  EXPECT_EQ(tier(0, 2), Tier::llc);
  EXPECT_EQ(tier(1, 3), Tier::package);
  EXPECT_EQ(tier(3, 4), Tier::system);
  EXPECT_EQ(tier(4, 3), Tier::system);
}

TEST(TopologyTest, EachPairIsMeasuredOnceInTheOrderOfRows) {
  std::vector<std::pair<unsigned, unsigned>> measured;
  const Topology topology = measure_topology(kThreads, [&](unsigned a, unsigned b) {
    measured.emplace_back(a, b);
    return fake_measure(a, b);
  });
  EXPECT_EQ(topology.pairs.size(), 10u);
  ASSERT_GE(measured.size(), 4u);
  EXPECT_THAT(std::vector(measured.begin(), measured.begin() + 4),
              testing::ElementsAre(std::pair(0u, 1u), std::pair(0u, 2u), std::pair(1u, 2u), std::pair(0u, 3u)));
  EXPECT_EQ(topology.pairs[2].transfer->median_ns, 21);
}

TEST(TopologyTest, APairThatFailsDoesNotEndTheRest) {
  const Topology topology = measure_topology(kThreads, [](unsigned a, unsigned b) {
    if (b == 3) throw CellError("CPU 3 is taken");
    return fake_measure(a, b);
  });
  EXPECT_EQ(topology.pairs.size(), 10u);
  for (const MeasuredPair& pair : topology.pairs) {
    EXPECT_EQ(pair.transfer.has_value(), pair.b != 3) << pair.a << " " << pair.b;
    EXPECT_EQ(pair.unavailable, pair.b == 3 ? "CPU 3 is taken" : "");
  }
}

TEST(TopologyTest, TiersAreSummedUpOverTheirPairs) {
  const auto tiers = summarize_tiers(measure_topology(kThreads, fake_measure));
  ASSERT_EQ(tiers.size(), 4u);
  EXPECT_EQ(tiers[0].tier, Tier::core);
  EXPECT_EQ(tiers[0].pairs, 1u);
  EXPECT_EQ(tiers[1].tier, Tier::llc);  // (0,2) 20 and (1,2) 21
  EXPECT_DOUBLE_EQ(tiers[1].median_ns, 20.5);
  EXPECT_EQ(tiers[1].least_ns, 20);
  EXPECT_EQ(tiers[1].greatest_ns, 21);
  EXPECT_EQ(tiers[2].pairs, 3u);  // 30, 31, 32
  EXPECT_EQ(tiers[2].median_ns, 31);
  EXPECT_EQ(tiers[3].pairs, 4u);
}

TEST(TopologyTest, OneCpuIsNoPair) {
  const std::vector<HardwareThread> one(kThreads.begin(), kThreads.begin() + 1);
  EXPECT_TRUE(measure_topology(one, fake_measure).pairs.empty());
  EXPECT_TRUE(summarize_tiers(measure_topology(one, fake_measure)).empty());
}

TEST(TopologyTest, ExpectedTimeGrowsWithThePairs) {
  EXPECT_EQ(expected_time(0).count(), 0);
  EXPECT_EQ(expected_time(1).count(), 0);
  EXPECT_GE(expected_time(2), kLineTransferBudget);
  EXPECT_EQ(expected_time(128).count(), expected_time(2).count() * 128 * 127 / 2);
}

TEST(TopologyTest, MeasuresThisMachine) {
  std::vector<HardwareThread> cpus = allowed_hardware_threads();
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  cpus.resize(2);
  const Topology topology = measure_topology(cpus);
  ASSERT_EQ(topology.pairs.size(), 1u);
  ASSERT_TRUE(topology.pairs[0].transfer) << topology.pairs[0].unavailable;
  EXPECT_GT(topology.pairs[0].transfer->median_ns, 0);
}

}  // namespace
}  // namespace shadowwalk::doctor
