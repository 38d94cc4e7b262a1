#include "harness/replay/lane.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "harness/machine/cycle_clock.hpp"
#include "harness/replay/replay_counts.hpp"
#include "harness/replay/trace_guest.hpp"

namespace shadowwalk::replay {
namespace {

TEST(TraceName, IsWhatFollowsThePrefix) {
  EXPECT_EQ(trace_file("trace:a/b.swtrace"), "a/b.swtrace");
  EXPECT_EQ(trace_file("trace:"), "");
  EXPECT_FALSE(trace_file("mix"));
  EXPECT_FALSE(trace_file("./trace:b"));
}

TEST(Pace, IsReadWithinItsRange) {
  EXPECT_EQ(parse_pace("2.5")->speed, 2.5);
  EXPECT_FALSE(parse_pace("2.5")->closed_loop);
  EXPECT_EQ(parse_pace("0.001")->speed, 0.001);
  EXPECT_EQ(parse_pace("1000")->speed, 1000);
  EXPECT_TRUE(parse_pace("closed-loop")->closed_loop);
  for (const char* wrong : {"", "0", "-1", "0.0009", "1000.1", "nan", "inf", "1e2", "2x", " 2", "closed"}) {
    EXPECT_FALSE(parse_pace(wrong)) << wrong;
  }
  EXPECT_EQ(to_string(Pace{}), "1");
  EXPECT_EQ(to_string(Pace{.speed = 0.5}), "0.5");
  EXPECT_EQ(to_string(Pace{.closed_loop = true}), "closed-loop");
}

TEST(DueNs, IsTraceTimeOverSpeed) {
  EXPECT_EQ(due_ns(1000, 1), 1000u);
  EXPECT_EQ(due_ns(1000, 4), 250u);
  EXPECT_EQ(due_ns(1000, 0.001), 1'000'000u);
  EXPECT_EQ(due_ns((std::uint64_t{1} << 53) + 1, 1), (std::uint64_t{1} << 53) + 1) << "exact at speed 1";
  EXPECT_EQ(due_ns(kNever, 1), kNever);
  EXPECT_EQ(due_ns(kNever / 100, 0.001), kNever) << "no overflow";
}

TEST(PassNs, IsTheDurationAndOneEventsShareOfIt) {
  trace::TraceInfo info;
  info.events = 11;
  info.duration_ns = 1000;
  EXPECT_EQ(pass_ns(info), 1100u);
  info.events = 1;
  info.duration_ns = 0;
  EXPECT_EQ(pass_ns(info), 1u) << "time goes on";
  info.events = 2;
  info.duration_ns = kNever;
  EXPECT_EQ(pass_ns(info), kNever);
}

TEST(ReplayClock, DuesAreCountedFromTheStart) {
  ReplayClock clock({.speed = 2});
  EXPECT_FALSE(clock.started());
  clock.start(12345);
  EXPECT_TRUE(clock.started());
  EXPECT_EQ(clock.due(0), 12345u);
  EXPECT_EQ(clock.due(2'000'000), 12345 + CycleClock::from_ns(1e6));
  EXPECT_EQ(clock.due(kNever), kNever);
  ReplayClock closed({.closed_loop = true});
  closed.start(12345);
  EXPECT_EQ(closed.due(1'000'000), 0u);
}

TEST(ReplayCounts, TellLagAndLatenessInTheWindow) {
  Window window;
  ReplayCounts counts;
  counts.note(1000, 900, window, true);
  EXPECT_EQ(counts.events, 0u) << "before the window";
  const std::uint64_t ms = CycleClock::from_ns(1e6);
  window.set(1000, 100 * ms);
  counts.note(10 * ms, 10 * ms, window, true);
  counts.note(10 * ms, 7 * ms, window, true);
  counts.note(10 * ms, 0, window, true);  // of a closed loop
  counts.note(101 * ms, 10 * ms, window, true);
  EXPECT_EQ(counts.events_total, 5u);
  EXPECT_EQ(counts.events, 3u);
  EXPECT_EQ(counts.late, 1u);
  EXPECT_EQ(counts.lag_ns.count(), 2u);
  EXPECT_NEAR(static_cast<double>(counts.lag_ns.max()), 3e6, 10);
  counts.note(10 * ms, 7 * ms, window, false);
  EXPECT_EQ(counts.lag_ns.count(), 2u) << "without clocks";
  EXPECT_EQ(counts.late, 2u);

  ReplayCounts sum = counts;
  sum += counts;
  EXPECT_EQ(sum.events_total, 2 * counts.events_total);
  EXPECT_EQ(sum.events, 2 * counts.events);
  EXPECT_EQ(sum.late, 4u);
  EXPECT_EQ(sum.lag_ns.count(), 4u);
}

FedEvent numbered(std::uint64_t number) { return {{.gfn = number * 3}, number}; }

TEST(Lane, KeepsEventsUntilTheyAreDone) {
  FeederBell bell;
  Lane lane(4, bell);
  EXPECT_EQ(lane.oldest(77), 77u);
  EXPECT_TRUE(lane.available().empty());
  for (std::uint64_t number : {5, 6, 9, 12}) lane.push(numbered(number));
  EXPECT_TRUE(lane.full());
  EXPECT_EQ(lane.available().size(), 4u);
  EXPECT_EQ(lane.oldest(77), 5u);
  lane.done(3);
  EXPECT_FALSE(lane.full());
  EXPECT_EQ(lane.oldest(77), 12u);
  lane.push(numbered(13));
  EXPECT_EQ(lane.available().size(), 1u) << "up to the ring's end";
  lane.done(1);
  EXPECT_EQ(lane.available().front().number, 13u);
}

TEST(Lane, TheFeederWaitsUntilEventsAreDone) {
  FeederBell bell;
  Lane lane(8, bell);
  for (std::uint64_t number = 0; number < 8; ++number) lane.push(numbered(2 * number));
  lane.done(3);
  EXPECT_TRUE(lane.wait_until_done_below(6)) << "0, 2 and 4 are";
  std::thread consumer([&] {
    for (int i = 0; i < 4; ++i) lane.done(1);  // 6, 8, 10 and 12, and no more
  });
  EXPECT_TRUE(lane.wait_until_done_below(13));
  EXPECT_GE(lane.oldest(99), 14u);
  consumer.join();
}

TEST(Lane, AStoppedFeederWaitsForNobody) {
  FeederBell bell;
  Lane lane(2, bell);
  lane.push(numbered(1));
  lane.push(numbered(2));
  std::thread stopper([&] { bell.stop(); });
  EXPECT_FALSE(lane.wait_until_half_empty());
  stopper.join();
}

TEST(Lane, HandsEveryEventOverInOrder) {
  FeederBell bell;
  Lane lane(16, bell);
  constexpr std::uint64_t kEvents = 100'000;
  std::thread feeder([&] {
    for (std::uint64_t number = 0; number < kEvents; ++number) {
      if (lane.full() && !lane.wait_until_half_empty()) return;
      lane.push(numbered(number));
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t seen = 0; seen < kEvents;) {
    const auto there = lane.available();
    if (there.empty()) std::this_thread::yield();
    for (const FedEvent& fed : there) {
      wrong += fed.number != seen || fed.event.gfn != 3 * seen ? 1 : 0;
      ++seen;
    }
    lane.done(there.size());
  }
  feeder.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace

}  // namespace shadowwalk::replay
