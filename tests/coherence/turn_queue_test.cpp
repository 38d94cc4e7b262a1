#include "harness/coherence/turn_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace shadowwalk::coherence {
namespace {

TEST(TurnQueue, TheEarliestIsFirstAndOfTwoTheLowerNumber) {
  TurnQueue turns;
  turns.resize(5);
  EXPECT_EQ(turns.earliest(), kNever);
  turns.set(3, 10);
  turns.set(1, 10);
  turns.set(4, 5);
  EXPECT_EQ(turns.first(), 4u);
  turns.set(4, kNever);
  EXPECT_EQ(turns.first(), 1u);
  EXPECT_EQ(turns.earliest(), 10);
}

TEST(TurnQueue, AgreesWithASearchThroughAll) {
  std::mt19937 random(1);
  for (const unsigned cpus : {1u, 2u, 3u, 17u, 258u}) {
    TurnQueue turns;
    turns.resize(cpus);
    std::vector<Picoseconds> when(cpus, kNever);
    for (int i = 0; i < 2000; ++i) {
      const unsigned cpu = random() % cpus;
      when[cpu] = random() % 4 == 0 ? kNever : static_cast<Picoseconds>(random() % 50);
      turns.set(cpu, when[cpu]);
      const auto first = std::ranges::min_element(when);
      ASSERT_EQ(turns.earliest(), *first);
      if (*first != kNever) {
        ASSERT_EQ(turns.first(), static_cast<unsigned>(first - when.begin()));
      }
    }
  }
}

}  // namespace
}  // namespace shadowwalk::coherence
