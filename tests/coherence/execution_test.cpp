#include "harness/coherence/execution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "four_cpus.hpp"
#include "harness/coherence/atomic.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::coherence {
namespace {

struct alignas(64) Word {
  Atomic<std::uint64_t> value{0};
};

Processor& cpu() { return *Processor::running(); }

TEST(Execution, OwnLinesCostWhatTheTopologySays) {
  const Topology topology = four_cpus();
  Execution execution(topology);
  Word word;
  std::vector<Picoseconds> took;
  const auto clock = [&](auto action) {
    const Picoseconds start = cpu().now();
    action();
    took.push_back(cpu().now() - start);
  };
  execution.add_cpu("one", [&] {
    clock([&] { word.value.fetch_add(1); });                         // from memory
    clock([&] { word.value.fetch_add(1); });                         // own
    clock([&] { word.value.store(1, std::memory_order_relaxed); });  // into the buffer
    clock([&] { word.value.load(std::memory_order_relaxed); });      // does not wait
    clock([&] { word.value.exchange(2); });                          // waits for the load
    clock([&] { cpu().fence(); });
  });
  execution.run();
  EXPECT_EQ(took, (std::vector<Picoseconds>{70'000, 2'000, 300, 500, 3'000, 9'000}));
}

TEST(Execution, ALockedOperationNeedNotWaitForLoads) {
  Topology topology = four_cpus();
  topology.costs.locked_waits_for_loads = false;
  Execution execution(topology);
  Word word;
  Picoseconds took = 0;
  execution.add_cpu("one", [&] {
    word.value.exchange(1);
    word.value.load(std::memory_order_relaxed);
    const Picoseconds start = cpu().now();
    word.value.exchange(2);
    took = cpu().now() - start;
  });
  execution.run();
  EXPECT_EQ(took, 2'000);
}

TEST(Execution, ASharedCounterCountsAllAndMoves) {
  const Topology topology = four_cpus();
  Execution execution(topology);
  Word counter;
  for (int i = 0; i < 4; ++i) {
    execution.add_cpu("cpu", [&] {
      for (int n = 0; n < 1000; ++n) counter.value.fetch_add(1);
    });
  }
  execution.run();
  EXPECT_EQ(counter.value.peek(), 4000u);
  for (unsigned i = 0; i < 4; ++i) EXPECT_GT(execution.cpu(i).transfers(), 100u) << "CPU " << i;
}

TEST(Execution, PrivateWordsDoNotMoveUnlessTheyShareALine) {
  const Topology topology = four_cpus();
  const auto transfers = [&](auto& a, auto& b) {
    Execution execution(topology);
    for (auto* word : {&a, &b}) {
      execution.add_cpu("cpu", [word] {
        for (int n = 0; n < 1000; ++n) word->fetch_add(1);
      });
    }
    execution.run();
    return execution.cpu(0).transfers() + execution.cpu(1).transfers();
  };
  Word apart[2];
  struct alignas(64) {
    Atomic<std::uint64_t> a{0}, b{0};
  } together;
  EXPECT_EQ(transfers(apart[0].value, apart[1].value), 0u);
  EXPECT_GT(transfers(together.a, together.b), 500u) << "false sharing";
}

TEST(Execution, TheSameProgramsTakeTheSameTime) {
  const Topology topology = four_cpus();
  const auto end = [&] {
    Execution execution(topology);
    Word words[3];
    for (unsigned i = 0; i < 4; ++i) {
      execution.add_cpu("cpu", [&words, i] {
        for (unsigned n = 0; n < 500; ++n) {
          words[(n * (i + 3)) % 3].value.fetch_add(1);
          words[(n + i) % 3].value.load();
        }
      });
    }
    execution.run();
    return execution.now();
  };
  EXPECT_EQ(end(), end());
}

TEST(Execution, AccessesThatMoveALineHappenInOrderOfTime) {
  const Topology topology = four_cpus();
  Execution execution(topology);
  Word word;
  std::string order;
  execution.add_cpu("late", [&] {
    cpu().work(5'000'000);
    word.value.fetch_add(1);
    order += "late ";
  });
  execution.add_cpu("early", [&] {
    cpu().work(1'000'000);
    word.value.fetch_add(1);
    order += "early ";
  });
  execution.run();
  EXPECT_EQ(order, "early late ");
}

TEST(Execution, ASleepEndsAtItsTimeOrWhenWoken) {
  const Topology topology = four_cpus();
  Execution execution(topology);
  Picoseconds slept = 0;
  Picoseconds woken = 0;
  execution.add_cpu("sleeps", [&] {
    cpu().sleep_until(1'000'000);
    slept = cpu().now();
    cpu().block();
    woken = cpu().now();
  });
  execution.add_cpu("wakes", [&] {
    cpu().work(7'000'000);
    execution.cpu(0).wake(cpu().now() + 500);
  });
  execution.run();
  EXPECT_EQ(slept, 1'000'000);
  EXPECT_EQ(woken, 7'000'500);
}

TEST(Execution, HasRoomForOneMoreCpuThanItsTopologyAndNoMore) {
  const Topology topology = four_cpus();
  Execution execution(topology);
  for (int i = 0; i < 5; ++i) execution.add_cpu("cpu", [] {});
  EXPECT_THROW(execution.add_cpu("sixth", [] {}), InputError);
  execution.run();
}

TEST(ExecutionDeathTest, SaysSoWhenAllWait) {
  const Topology topology = four_cpus();
  EXPECT_DEATH(
      {
        Execution execution(topology);
        execution.add_cpu("waits", [] { cpu().block(); });
        execution.run();
      },
      "all simulated CPUs wait for each other");
}

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
