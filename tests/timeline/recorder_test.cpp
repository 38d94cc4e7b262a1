#include "harness/timeline/recorder.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "harness/probes/probes.hpp"

namespace shadowwalk::timeline {
namespace {

TEST(RingTest, KeepsTheNewestAndCountsWhatGaveWay) {
  Ring ring(4);
  for (std::uint64_t i = 0; i < 4; ++i) ring.append({.ticks = i, .probe = Probe::commit__start});
  EXPECT_FALSE(ring.has_dropped());
  ring.append({.ticks = 4, .a = 7, .probe = Probe::page__free});
  ring.append({.ticks = 5, .probe = Probe::zap__start});
  EXPECT_TRUE(ring.has_dropped());
  EXPECT_EQ(ring.dropped(Probe::commit__start), 2u);
  EXPECT_EQ(ring.dropped(Probe::page__free), 0u);
  const auto kept = ring.in_order();
  ASSERT_EQ(kept.size(), 4u);
  EXPECT_EQ(kept.front().ticks, 2u);
  EXPECT_EQ(kept.back().ticks, 5u);
  for (std::uint64_t i = 6; i < 9; ++i) ring.append({.ticks = i, .probe = Probe::commit__start});
  EXPECT_EQ(ring.dropped(Probe::page__free), 7u) << "a row counts its pages";
}

TEST(RingTest, IsInOrderOfTimeWhateverTheOrderOfAppends) {
  Ring ring(4);
  for (const std::uint64_t ticks : {3u, 1u, 2u}) ring.append({.ticks = ticks, .probe = Probe::ipi__ack});
  const auto kept = ring.in_order();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].ticks, 1u);
  EXPECT_EQ(kept[2].ticks, 3u);
}

TEST(RecorderTest, HearsTheProbesOfThreadsThatJoinedAndOfNoOthers) {
  EXPECT_FALSE(SHADOWWALK_PROBE_ATTACHED(fault));
  {
    Recorder recorder(100);
    EXPECT_EQ(recorder.records(), 128u);
    EXPECT_TRUE(SHADOWWALK_PROBE_ATTACHED(fault));
    EXPECT_EQ(attached_probes(), "") << "it is no tool";
    std::thread stranger([] { SHADOWWALK_PROBE(commit__start, 1); });
    stranger.join();
    std::thread zapper([&] {
      recorder.join("zapper-0");
      SHADOWWALK_PROBE(zap__start, 0, 5000);
      SHADOWWALK_PROBE(zap__done, 0, 3, 2, 1000);
      SHADOWWALK_PROBE(fault, 0x123, 1, 250);
    });
    zapper.join();
    ASSERT_EQ(recorder.tracks().size(), 1u);
    const Track& track = *recorder.tracks()[0];
    EXPECT_EQ(track.name, "zapper-0");
    EXPECT_GT(track.tid, 0);
    const auto seldom = track.seldom.in_order();
    ASSERT_EQ(seldom.size(), 2u);
    EXPECT_EQ(seldom[0].a, 5000u);
    EXPECT_EQ(seldom[1].a, 3u);
    EXPECT_EQ(seldom[1].b, 2u);
    EXPECT_LE(seldom[0].ticks, seldom[1].ticks);
    const auto often = track.often.in_order();
    ASSERT_EQ(often.size(), 1u);
    EXPECT_EQ(often[0].a, 0x123u);
    EXPECT_EQ(often[0].b, 250u);
    EXPECT_EQ(often[0].c, 1u);
  }
  EXPECT_FALSE(SHADOWWALK_PROBE_ATTACHED(fault));
  SHADOWWALK_PROBE(fault, 0, 0, 0);
}

TEST(RecorderTest, PagesInARowAreFewerRecordsAndCountAll) {
  Recorder recorder(2048);
  recorder.join("main");
  constexpr std::uint64_t kPages = 1000;
  for (std::uint64_t i = 0; i < kPages; ++i) SHADOWWALK_PROBE(page__free, 0, 0, 1, i);
  SHADOWWALK_PROBE(commit__start, 1);
  SHADOWWALK_PROBE(page__free, 0, 0, 1, 9);
  const auto kept = recorder.tracks()[0]->seldom.in_order();
  ASSERT_GE(kept.size(), 3u);
  EXPECT_LT(kept.size(), kPages) << "none stood in a row with the one before it";
  EXPECT_EQ(kept.back().a, 1u) << "what stands between ends a row";
  std::uint64_t pages = recorder.tracks()[0]->seldom.dropped(Probe::page__free);
  std::uint64_t longest = 0;
  for (const Record& record : kept) {
    if (record.probe == Probe::page__free) pages += record.a;
    longest = std::max(longest, record.b);
  }
  EXPECT_EQ(pages, kPages + 1);
  EXPECT_EQ(longest, kPages - 1);
}

TEST(RecorderTest, SignalHandlersRecordBetweenWhatTheyInterrupt) {
  Recorder recorder(1024);
  recorder.join("main");
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { SHADOWWALK_PROBE(ipi__ack, 1); };
  ASSERT_EQ(sigaction(SIGUSR2, &action, &before), 0);
  for (int i = 0; i < 100; ++i) {
    SHADOWWALK_PROBE(commit__start, 1);
    raise(SIGUSR2);
    SHADOWWALK_PROBE(commit__done, 1, 0);
  }
  sigaction(SIGUSR2, &before, nullptr);
  EXPECT_EQ(recorder.tracks()[0]->seldom.in_order().size(), 300u);
}

}  // namespace
}  // namespace shadowwalk::timeline
