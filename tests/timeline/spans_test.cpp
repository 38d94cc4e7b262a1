#include "harness/timeline/spans.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::timeline {
namespace {

using Records = std::vector<Record>;

std::uint64_t at(double ns) { return 1'000'000 + CycleClock::from_ns(ns); }

const Span* find(const Activity& activity, std::string_view name) {
  for (const Span& span : activity.spans) {
    if (span.name == name) return &span;
  }
  return nullptr;
}

TEST(SpansTest, AZapHoldsItsCommitAndItsIpis) {
  const Records records{{.ticks = at(100), .a = 7000, .probe = Probe::zap__start},
                        {.ticks = at(200), .a = 3, .c = 10, .probe = Probe::page__retire},
                        {.ticks = at(300), .a = 3, .probe = Probe::commit__start},
                        {.ticks = at(400), .a = 42, .b = 1, .probe = Probe::ipi__send},
                        {.ticks = at(500), .a = 43, .b = 1, .probe = Probe::ipi__send},
                        {.ticks = at(600), .a = 2, .b = 200, .probe = Probe::ipi__done},
                        {.ticks = at(700), .a = 3, .b = 400, .probe = Probe::commit__done},
                        {.ticks = at(800), .a = 3, .b = 0, .probe = Probe::zap__done}};
  const Activity activity = activity_of(records, at(1000));
  ASSERT_EQ(activity.spans.size(), 4u);
  EXPECT_EQ(std::string_view(activity.spans[0].name), "zap");
  EXPECT_EQ(activity.spans[0].start, at(100));
  EXPECT_EQ(activity.spans[0].end, at(800));
  EXPECT_EQ(activity.spans[0].args, R"("pages":3,"leaves":0,"late_us":7.000)");
  EXPECT_EQ(std::string_view(activity.spans[1].name), "retire");
  EXPECT_EQ(std::string_view(activity.spans[2].name), "commit");
  EXPECT_EQ(std::string_view(activity.spans[3].name), "IPIs");
  EXPECT_EQ(activity.spans[3].start, at(400));
  EXPECT_EQ(activity.spans[3].end, at(600));
  EXPECT_EQ(activity.spans[3].args, R"("sent":2)");
}

TEST(SpansTest, AVcpuIsInTheGuestThenWalksAndFaultsThenHalts) {
  const Records records{{.ticks = at(0), .probe = Probe::vcpu__entry},
                        {.ticks = at(1000), .a = 64, .probe = Probe::vcpu__exit},
                        {.ticks = at(3000), .a = 0x77, .b = 500, .c = 2, .probe = Probe::fault},
                        {.ticks = at(3200), .a = 100, .probe = Probe::walker__stall},
                        {.ticks = at(4000), .a = 2000, .probe = Probe::vcpu__halt},
                        {.ticks = at(7000), .probe = Probe::vcpu__entry},
                        {.ticks = at(8000), .a = 0, .probe = Probe::vcpu__exit},
                        {.ticks = at(8100), .probe = Probe::vcpu__entry}};
  const Activity activity = activity_of(records, at(9000));
  ASSERT_NE(find(activity, "walks"), nullptr);
  EXPECT_EQ(find(activity, "walks")->start, at(1000));
  EXPECT_EQ(find(activity, "walks")->end, at(4000));
  EXPECT_EQ(find(activity, "walks")->args, R"("accesses":64)");
  EXPECT_EQ(find(activity, "fault")->end, at(3000));
  EXPECT_NEAR(CycleClock::to_ns(at(3000) - find(activity, "fault")->start), 500, 2);
  EXPECT_EQ(find(activity, "fault")->args, R"("gfn":"0x77","kind":"MMIO")");
  EXPECT_EQ(find(activity, "stall")->end, at(3200));
  EXPECT_EQ(find(activity, "halt")->start, at(4000));
  EXPECT_EQ(find(activity, "halt")->end, at(7000));
  std::size_t walks = 0;
  std::size_t guests = 0;
  for (const Span& span : activity.spans) {
    walks += std::string_view(span.name) == "walks";
    guests += std::string_view(span.name) == "guest";
  }
  EXPECT_EQ(walks, 1u) << "an exit without accesses leads to no walks";
  EXPECT_EQ(guests, 3u) << "what is open ends with the thread";
}

TEST(SpansTest, AFaultBeginsNotBeforeTheWalksThatItIsOf) {
  const Records records{{.ticks = at(0), .probe = Probe::vcpu__entry},
                        {.ticks = at(1000), .a = 1, .probe = Probe::vcpu__exit},
                        {.ticks = at(1500), .a = 1, .b = 600, .c = 0, .probe = Probe::fault}};
  EXPECT_EQ(find(activity_of(records, at(2000)), "fault")->start, at(1000));
}

TEST(SpansTest, PhasesFollowEachOtherUntilTheEnd) {
  const Records records{{.ticks = at(0), .a = 1, .probe = Probe::phase},
                        {.ticks = at(100), .a = 2, .probe = Probe::phase},
                        {.ticks = at(300), .a = 3, .probe = Probe::phase},
                        {.ticks = at(400), .a = 5, .probe = Probe::commit__start},
                        {.ticks = at(500), .a = 5, .probe = Probe::commit__done}};
  const Activity activity = activity_of(records, at(900));
  EXPECT_EQ(find(activity, "warm-up")->end, at(100));
  EXPECT_EQ(find(activity, "measure")->end, at(300));
  EXPECT_EQ(find(activity, "drain")->end, at(900));
  EXPECT_EQ(find(activity, "commit")->end, at(500));
}

TEST(SpansTest, AnEndWhoseStartWasDroppedTellsNothing) {
  const Records records{{.ticks = at(0), .a = 5, .probe = Probe::commit__done},
                        {.ticks = at(1), .a = 5, .probe = Probe::zap__done},
                        {.ticks = at(2), .a = 5, .probe = Probe::grace__done},
                        {.ticks = at(3), .a = 5, .probe = Probe::vcpu__exit}};
  const Activity activity = activity_of(records, at(9));
  for (const Span& span : activity.spans) EXPECT_EQ(std::string_view(span.name), "walks");
}

TEST(SpansTest, NothingReachesOutOfWhatItBeganIn) {
  std::vector<Span> spans{
      {10, 100, "outer", ""}, {20, 50, "inner", ""}, {40, 60, "innermost", ""}, {50, 200, "next", ""}};
  nest(spans);
  EXPECT_EQ(spans[2].end, 50u);
  EXPECT_EQ(spans[3].end, 100u);
  EXPECT_EQ(spans[0].end, 100u);
}

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

struct UnreclaimedTest : testing::Test {
  UnreclaimedTest() {
    tracks.push_back(std::make_unique<Track>("zapper-0", 10, 16));
    tracks.push_back(std::make_unique<Track>("reclaim-0", 11, 16));
  }
  void retire(std::uint64_t ticks, std::uint64_t pages) {
    tracks[0]->seldom.append({.ticks = ticks, .a = pages, .probe = Probe::page__retire});
  }
  void free(std::uint64_t ticks, std::uint64_t pages, std::uint32_t length) {
    tracks[1]->seldom.append({.ticks = ticks, .a = pages, .c = length, .probe = Probe::page__free});
  }
  std::vector<Level> levels() const {
    std::vector<std::vector<Record>> records;
    for (const auto& track : tracks) records.push_back(track->seldom.in_order());
    return unreclaimed_pages(tracks, records);
  }

  std::vector<std::unique_ptr<Track>> tracks;
};

TEST_F(UnreclaimedTest, RisesWithTheUnlinksAndFallsWithTheFrees) {
  retire(100, 5);
  free(110, 2, 10);
  retire(115, 1);
  free(130, 4, 0);
  const auto found = levels();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].pages, 5u);
  EXPECT_EQ(found[1].at, 115u);
  EXPECT_EQ(found[1].pages, 6u);
  EXPECT_EQ(found[2].at, 120u) << "a row is free with its last page";
  EXPECT_EQ(found[2].pages, 4u);
  EXPECT_EQ(found[3].pages, 0u);
}

TEST_F(UnreclaimedTest, BeginsWhereAllRecordsAreThere) {
  for (std::uint64_t i = 0; i < 20; ++i) retire(100 + i, 3);
  free(101, 2, 0);
  free(120, 58, 0);
  const auto found = levels();
  ASSERT_EQ(found.size(), 17u);
  EXPECT_EQ(found.front().at, 104u) << "the first four are gone";
  EXPECT_EQ(found.front().pages, 5 * 3 - 2u);
  EXPECT_EQ(found.back().pages, 0u);
}

}  // namespace

}  // namespace shadowwalk::timeline
