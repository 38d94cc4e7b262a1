#include "bench/peers/peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"

namespace shadowwalk::bench {
namespace {

/// A cell that catches a scheme that frees under a walker: it checks the identity of each table, and most walks stall
/// between two levels for longer than a zap takes. More zaps or more vCPUs catch less: walkers that only fault, or wait
/// for a CPU, meet no zap.
CellMeasurement hunted_cell(const std::string& variant, const char* workload = "mmio-poll") {
  CellConfig config;
  config.variant = variant;
  config.workload = workload;
  config.vcpus = 2;
  config.zap_rate = 2000;
  config.warmup = std::chrono::milliseconds(5);
  config.duration = std::chrono::milliseconds(120);
  config.full_checks = true;
  config.read_delay = {.one_in = 100, .stall_us = 300};
  return run_cell(prepare_cell(config));
}

std::vector<std::string> present() {
  std::vector<std::string> names;
  for (const Peer& peer : peers()) {
    if (peer.absent.empty()) names.push_back(peer.variant_name());
  }
  return names;
}

TEST(PeersTest, EachIsThereOrSaysWhyNot) {
  std::set<std::string> libraries;
  std::set<std::string> paths;
  for (const Peer& peer : peers()) {
    libraries.insert(peer.library);
    EXPECT_TRUE(paths.insert(peer.path()).second) << peer.path();
    const VariantEntry* variant = Registry::instance().find(peer.variant_name());
    EXPECT_EQ(variant == nullptr, !peer.absent.empty()) << peer.path();
    EXPECT_THAT(peer.absent, testing::Not(testing::HasSubstr("\n")));
    if (variant != nullptr) {
      EXPECT_TRUE(is_peer(*variant)) << peer.path();
    }
  }
  EXPECT_THAT(libraries, testing::ElementsAre("ck", "libcds", "std", "urcu", "xenium"));
  EXPECT_THAT(paths, testing::IsSupersetOf({"ck/brlock", "ck/epoch", "ck/hp", "libcds/dhp", "libcds/hp",
                                            "libcds/rcu_general_buffered", "std/shared_mutex", "urcu/bp", "urcu/mb",
                                            "urcu/memb", "urcu/qsbr", "xenium/epoch_based", "xenium/hazard_eras",
                                            "xenium/hazard_pointer", "xenium/lock_free_ref_count",
                                            "xenium/quiescent_state_based", "xenium/stamp_it"}));
  EXPECT_FALSE(is_peer(Registry::instance().at("hazard")));
}

class PeerTest : public testing::TestWithParam<std::string> {};

/// run_cell() fails if drain() leaves a page.
TEST_P(PeerTest, WalksRightAndFreesNothingUnderAWalker) {
  for (const char* workload : {"mmio-poll", "stalled-walker"}) {
    const CellMeasurement cell = hunted_cell(GetParam(), workload);
    EXPECT_EQ(cell.counts.violations, 0u) << workload << ": " << cell.first_violation;
    EXPECT_GT(cell.zaps_total, 0u) << workload;
    EXPECT_GT(cell.mmu.footprint.freed_total, 0u) << workload;
  }
}

INSTANTIATE_TEST_SUITE_P(All, PeerTest, testing::ValuesIn(present()), [](const auto& peer) {
  std::string name = peer.param;
  for (char& letter : name) letter = letter == '/' ? '_' : letter;
  return name;
});

/// Else the tests above would pass whatever a peer did.
TEST(PeersTest, TheSameCellCatchesUnsafe) {
  CellMeasurement cell;
  for (int tries = 0; tries < 100 && cell.counts.violations == 0; ++tries) cell = hunted_cell("unsafe");
  EXPECT_GT(cell.counts.violations, 0u);
}

}  // namespace
}  // namespace shadowwalk::bench
