#include "harness/replay/lane.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace shadowwalk::replay {
namespace {

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
