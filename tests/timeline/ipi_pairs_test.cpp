#include "harness/timeline/ipi_pairs.hpp"

#include <gtest/gtest.h>

namespace shadowwalk::timeline {
namespace {

/// A zapper (tid 10) and two vCPUs (tids 20 and 21).
struct IpiPairsTest : testing::Test {
  IpiPairsTest() {
    tracks.push_back(std::make_unique<Track>("zapper-0", 10, 16));
    tracks.push_back(std::make_unique<Track>("vcpu-0", 20, 16));
    tracks.push_back(std::make_unique<Track>("vcpu-1", 21, 16));
  }
  void send(std::uint64_t ticks, std::uint64_t target, std::uint64_t number) {
    tracks[0]->seldom.append({.ticks = ticks, .a = target, .b = number, .probe = Probe::ipi__send});
  }
  void acknowledge(std::size_t track, std::uint64_t ticks, std::uint64_t number) {
    tracks[track]->seldom.append({.ticks = ticks, .a = number, .probe = Probe::ipi__ack});
  }
  std::vector<IpiPair> pairs() const {
    std::vector<std::vector<Record>> records;
    for (const auto& track : tracks) records.push_back(track->seldom.in_order());
    return pair_ipis(tracks, records);
  }

  std::vector<std::unique_ptr<Track>> tracks;
};

TEST_F(IpiPairsTest, EachGoesToTheFirstAcknowledgementOfItsNumber) {
  send(100, 20, 1);
  send(101, 21, 1);
  send(102, 20, 2);
  acknowledge(1, 150, 2);  // signals coalesced: it answers both
  acknowledge(2, 140, 1);
  const auto found = pairs();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].target, 1u);
  EXPECT_EQ(found[0].acknowledged, 150u);
  EXPECT_EQ(found[1].target, 2u);
  EXPECT_EQ(found[1].acknowledged, 140u);
  EXPECT_EQ(found[2].sent, 102u);
  EXPECT_EQ(found[2].acknowledged, 150u);
}

TEST_F(IpiPairsTest, WhatIsNotAnsweredOrToNobodyKnownHasNoPair) {
  send(100, 20, 1);
  send(110, 99, 1);
  send(120, 21, 1);
  acknowledge(2, 90, 1);  // before it was sent, by clocks that differ
  EXPECT_TRUE(pairs().empty());
}

TEST_F(IpiPairsTest, WhereAcknowledgementsWereDroppedTheFirstThatIsLeftAnswersNobody) {
  send(100, 20, 1);
  for (std::uint64_t number = 1; number <= 17; ++number) acknowledge(1, 200 + number, number);
  send(300, 20, 17);
  EXPECT_TRUE(pairs().empty()) << "number 1 was answered by what is gone, 17 was answered before";
}

}  // namespace
}  // namespace shadowwalk::timeline
