#include "harness/machine/mmu_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/machine/bound_thread.hpp"
#include "tests/rounds.hpp"

namespace shadowwalk {
namespace {

using test::give_others_time;
using test::wait_until;

constexpr unsigned kLockRounds = test::rounds(50'000);

class MmuLockTest : public testing::TestWithParam<MmuLockKind> {
 protected:
  MmuLock lock_{GetParam()};
};

TEST_P(MmuLockTest, OneHolderAtATime) {
  constexpr unsigned kThreads = 4;
  std::uint64_t counter = 0;  // plain: only the lock protects it
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (unsigned round = 0; round < kLockRounds; ++round) {
          const std::lock_guard guard(lock_);
          ++counter;
        }
      });
    }
  }
  EXPECT_EQ(counter, std::uint64_t{kThreads} * kLockRounds);
}

TEST_P(MmuLockTest, HolderKeepsOthersOut) {
  bool released = false;
  std::atomic<bool> entered{false};
  lock_.lock();
  std::jthread other([&] {
    const std::lock_guard guard(lock_);
    EXPECT_TRUE(released);
    entered.store(true);
  });
  give_others_time();
  EXPECT_FALSE(entered.load());
  released = true;
  lock_.unlock();
}

INSTANTIATE_TEST_SUITE_P(Kinds, MmuLockTest, testing::Values(MmuLockKind::ticket, MmuLockKind::mutex),
                         [](const auto& kind) { return kind.param == MmuLockKind::ticket ? "ticket" : "mutex"; });

TEST(TicketLockTest, ContendedOnlyWhileAnotherWaits) {
  MmuLock lock(MmuLockKind::ticket);
  EXPECT_FALSE(lock.contended());
  lock.lock();
  EXPECT_FALSE(lock.contended()) << "the holder is not a waiter";
  std::thread waiter([&] { const std::lock_guard guard(lock); });
  wait_until([&] { return lock.contended(); });
  lock.unlock();
  waiter.join();
  EXPECT_FALSE(lock.contended());
}

TEST(TicketLockTest, HolderThatComesBackAtOnceDoesNotOvertakeAWaiter) {
  MmuLock lock(MmuLockKind::ticket);
  for (int round = 0; round < 100; ++round) {
    bool served = false;
    lock.lock();
    std::thread waiter([&] {
      const std::lock_guard guard(lock);
      served = true;
    });
    wait_until([&] { return lock.contended(); });
    lock.unlock();
    lock.lock();
    EXPECT_TRUE(served);
    lock.unlock();
    waiter.join();
  }
}

TEST(MutexLockTest, IsAlwaysContendedAsItCannotTell) {
  MmuLock lock(MmuLockKind::mutex);
  const std::lock_guard guard(lock);
  EXPECT_TRUE(lock.contended());
}

class MmuLockDeathTest : public testing::TestWithParam<MmuLockKind> {
 protected:
  MmuLockDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_P(MmuLockDeathTest, TakingItWithAClosedGate) {
  EXPECT_DEATH(
      {
        Cpu cpu;
        cpu.bind("closed");
        cpu.irq_disable();
        MmuLock lock(GetParam());
        lock.lock();
      },
      "broken invariant.*interrupt gate closed would deadlock");
}

TEST(MmuLockKindDeathTest, UserSpaceHasNoRwlockOfTheKernels) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(MmuLock lock(MmuLockKind::rwlock), "broken invariant.*rwlock_t is the kernel's alone");
}

INSTANTIATE_TEST_SUITE_P(Kinds, MmuLockDeathTest, testing::Values(MmuLockKind::ticket, MmuLockKind::mutex),
                         [](const auto& kind) { return kind.param == MmuLockKind::ticket ? "ticket" : "mutex"; });

}  // namespace
}  // namespace shadowwalk
