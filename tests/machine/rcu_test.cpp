#include "harness/machine/rcu.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <time.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "harness/machine/cycle_clock.hpp"
#include "tests/machine/bound_thread.hpp"
#include "tests/machine/watchdog.hpp"
#include "tests/rounds.hpp"

namespace shadowwalk {
namespace {

using test::give_others_time;
using test::wait_until;

class Reader {
 public:
  Reader() { Rcu::register_reader(); }
  ~Reader() { Rcu::unregister_reader(); }
};

class RcuTest : public testing::Test {
 protected:
  test::Watchdog watchdog_{"an RCU callback never ran"};
};

/// A callback that counts; `count` is atomic as tests look at it while callbacks run.
void count_up(RcuHead*, void* count) { static_cast<std::atomic<unsigned>*>(count)->fetch_add(1); }

TEST_F(RcuTest, CallbackWaitsForASectionThatBeganBefore) {
  Rcu rcu({});
  struct State {
    RcuHead head;
    bool section_over = false;  // plain: the grace period promises the order, and ThreadSanitizer checks it
    std::atomic<bool> ran{false};
  } state;
  const Reader reader;
  Rcu::read_lock();
  rcu.call(
      state.head,
      [](RcuHead*, void* context) {
        auto& s = *static_cast<State*>(context);
        EXPECT_TRUE(s.section_over);
        s.ran.store(true);
      },
      &state);
  give_others_time();
  EXPECT_FALSE(state.ran.load());
  state.section_over = true;
  Rcu::read_unlock();
  rcu.barrier();
  EXPECT_TRUE(state.ran.load());
  EXPECT_GE(rcu.grace_periods(), 1u);
}

TEST_F(RcuTest, BarrierWithNothingQueuedReturns) {
  Rcu rcu({});
  rcu.barrier();
  EXPECT_EQ(rcu.grace_periods(), 0u);
}

TEST_F(RcuTest, RunsInTheOrderOfCalls) {
  struct Numbered : RcuHead {
    unsigned number = 0;
  };
  std::vector<Numbered> heads(1000);
  std::vector<unsigned> order;
  Rcu rcu({});
  for (unsigned i = 0; i < heads.size(); ++i) {
    heads[i].number = i;
    rcu.call(
        heads[i],
        [](RcuHead* head, void* context) {
          static_cast<std::vector<unsigned>*>(context)->push_back(static_cast<Numbered*>(head)->number);
        },
        &order);
  }
  rcu.barrier();
  ASSERT_EQ(order.size(), heads.size());
  for (unsigned i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
}

TEST_F(RcuTest, DestructorRunsWhatIsPendingThoughTheNextGracePeriodIsAnHourAway) {
  constexpr unsigned kCalls = 1000;
  std::vector<RcuHead> heads(kCalls);
  std::atomic<unsigned> ran{0};
  {
    Rcu rcu({.interval = std::chrono::hours(1)});
    for (RcuHead& head : heads) rcu.call(head, count_up, &ran);
    give_others_time();
    EXPECT_EQ(ran.load(), 0u);
    EXPECT_EQ(rcu.grace_periods(), 0u);
  }
  EXPECT_EQ(ran.load(), kCalls);
}

TEST_F(RcuTest, DestructorRunsWhatACallbackQueues) {
  struct Chain {
    RcuHead head;
    Rcu* rcu = nullptr;
    unsigned left = 5;  // plain: on the reclaimer only, then after its end
    static void run(RcuHead* head, void* context) {
      auto& chain = *static_cast<Chain*>(context);
      if (--chain.left != 0) chain.rcu->call(*head, run, context);
    }
  } chain;
  {
    Rcu rcu({.interval = std::chrono::hours(1)});
    chain.rcu = &rcu;
    rcu.call(chain.head, Chain::run, &chain);
  }
  EXPECT_EQ(chain.left, 0u);
}

// A callback that is queued just before the destructor, while the reclaimer is at any point of its loop.
TEST_F(RcuTest, DestructorLosesNoneAtAnyMoment) {
  for (unsigned round = 0; round < test::rounds(2000); ++round) {
    std::atomic<unsigned> ran{0};
    RcuHead first;
    RcuHead second;
    {
      Rcu rcu({});
      rcu.call(first, count_up, &ran);
      for (unsigned i = 0; i < round % 200; ++i) cpu_relax();
      rcu.call(second, count_up, &ran);
    }
    ASSERT_EQ(ran.load(), 2u) << "round " << round;
    watchdog_.step();
  }
}

TEST_F(RcuTest, CallbacksWaitForTheOtherGracePeriodFirstAndSynchronizeForLiburcusAlone) {
  static std::atomic<unsigned> waits;
  waits = 0;
  struct Callback {
    RcuHead head;
    unsigned waits_before = 0;  // plain: on the reclaimer only, then after barrier()
    static void run(RcuHead*, void* context) { static_cast<Callback*>(context)->waits_before = waits; }
  } first, second;
  Rcu rcu({.wait_for_other = [] { ++waits; }});
  rcu.synchronize();
  EXPECT_EQ(waits, 0u);
  rcu.call(first.head, Callback::run, &first);
  rcu.barrier();
  EXPECT_EQ(first.waits_before, 1u);
  rcu.call(second.head, Callback::run, &second);
  rcu.barrier();
  EXPECT_EQ(second.waits_before, 2u);
  EXPECT_EQ(rcu.grace_periods(), 3u);
}

TEST_F(RcuTest, GracePeriodsBeginOncePerInterval) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kInterval(20);
  constexpr unsigned kCalls = 100;
  std::vector<RcuHead> heads(kCalls);
  std::atomic<unsigned> ran{0};
  const auto start = Clock::now();
  Rcu rcu({.interval = kInterval});
  for (RcuHead& head : heads) {
    rcu.call(head, count_up, &ran);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  rcu.barrier();
  const std::uint64_t grace_periods = rcu.grace_periods();
  const auto elapsed = Clock::now() - start;
  EXPECT_EQ(ran.load(), kCalls);
  EXPECT_GE(elapsed, kInterval);
  // An upper bound whatever the load: time only adds intervals.
  EXPECT_LE(grace_periods, static_cast<std::uint64_t>(elapsed / kInterval) + 1);
}

TEST_F(RcuTest, TheObserverSeesEachGracePeriodBeforeItsCallbacks) {
  struct Observer final : GracePeriodObserver {
    void on_grace_period(std::uint64_t began, std::uint64_t ended) override {
      EXPECT_LE(began, ended);
      EXPECT_LE(last_end, began);
      last_end = ended;
      ++seen;
    }
    std::uint64_t last_end = 0;
    std::uint64_t seen = 0;  // plain: written by the reclaimer, read after a barrier
  } observer;
  Rcu rcu({.observer = &observer});
  struct State {
    RcuHead head;
    const Observer* observer = nullptr;
    std::uint64_t seen_by_callback = 0;
  } state;
  state.observer = &observer;
  const std::uint64_t before = CycleClock::now();
  for (unsigned round = 1; round <= 3; ++round) {
    rcu.call(
        state.head,
        [](RcuHead*, void* context) {
          auto& s = *static_cast<State*>(context);
          s.seen_by_callback = s.observer->seen;
        },
        &state);
    rcu.barrier();
    EXPECT_EQ(state.seen_by_callback, round);
  }
  EXPECT_EQ(observer.seen, rcu.grace_periods());
  EXPECT_GE(observer.last_end, before);
  EXPECT_LE(observer.last_end, CycleClock::now());
}

// Each caller's barrier covers the caller's own callbacks, whatever the others are in the middle of.
TEST_F(RcuTest, BarrierOfEachOfManyCallersWaitsForItsOwn) {
  constexpr unsigned kCallers = 4;
  constexpr unsigned kRounds = test::rounds(5000);
  struct Mine {
    RcuHead head;
    bool ran = false;  // plain: barrier() promises the order
  };
  std::array<std::array<Mine, 3>, kCallers> all;
  std::atomic<unsigned> early{0};
  Rcu rcu({});
  const auto call_and_wait = [&](std::array<Mine, 3>& mine) {
    for (unsigned round = 0; round < kRounds; ++round) {
      for (Mine& m : mine) {
        m.ran = false;
        rcu.call(
            m.head, [](RcuHead*, void* context) { static_cast<Mine*>(context)->ran = true; }, &m);
      }
      rcu.barrier();
      for (const Mine& m : mine) {
        if (!m.ran) {
          early.fetch_add(1);
          return;  // still queued, not to be queued again
        }
      }
      watchdog_.step();
    }
  };
  {
    std::vector<std::jthread> callers;
    for (auto& mine : all) callers.emplace_back([&] { call_and_wait(mine); });
  }
  EXPECT_EQ(early.load(), 0u);
}

// A caller that loses its CPU in the middle of call(), at any instruction: a signal's handler keeps it there for a
// while, in which another caller's barrier must still cover that caller's own callback.
TEST_F(RcuTest, BarrierHoldsWhileAnotherCallerIsStuckInsideCall) {
  constexpr unsigned kSignals = 1000;
  struct sigaction stall {};
  struct sigaction old {};
  stall.sa_handler = [](int) {
    const timespec time{.tv_sec = 0, .tv_nsec = 200'000};
    nanosleep(&time, nullptr);
  };
  ASSERT_EQ(sigaction(SIGUSR1, &stall, &old), 0);

  std::vector<RcuHead> many(4096);  // so that the caller is inside call() most of the time
  std::atomic<unsigned> ran{0};
  std::atomic<bool> stop{false};
  unsigned early = 0;
  unsigned barriers = 0;
  {
    Rcu rcu({});
    std::jthread stalled([&] {
      for (unsigned queued = 0; !stop.load();) {
        for (RcuHead& head : many) rcu.call(head, count_up, &ran);
        queued += static_cast<unsigned>(many.size());
        wait_until([&] { return ran.load() == queued; });
        watchdog_.step();
      }
    });
    struct Mine {
      RcuHead head;
      std::atomic<bool> ran{false};
    } mine;
    std::jthread other([&] {
      for (; !stop.load(); ++barriers) {
        mine.ran.store(false);
        rcu.call(
            mine.head, [](RcuHead*, void* context) { static_cast<Mine*>(context)->ran.store(true); }, &mine);
        rcu.barrier();
        if (!mine.ran.load()) ++early;
        wait_until([&] { return mine.ran.load(); });
      }
    });
    for (unsigned i = 0; i < kSignals; ++i) {
      pthread_kill(stalled.native_handle(), SIGUSR1);
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
    stop.store(true);
    other.join();
    stalled.join();
  }
  sigaction(SIGUSR1, &old, nullptr);
  EXPECT_EQ(early, 0u);
  EXPECT_GT(barriers, 0u);
}

TEST_F(RcuTest, OnThreadStartRunsOnTheReclaimer) {
  struct Ids {
    std::thread::id start;
    std::thread::id callback;
  } ids;
  RcuHead head;
  {
    Rcu rcu({.on_thread_start = [](void* context) { static_cast<Ids*>(context)->start = std::this_thread::get_id(); },
             .context = &ids});
    rcu.call(
        head, [](RcuHead*, void* context) { static_cast<Ids*>(context)->callback = std::this_thread::get_id(); }, &ids);
  }
  EXPECT_NE(ids.start, std::thread::id());
  EXPECT_EQ(ids.start, ids.callback);
  EXPECT_NE(ids.start, std::this_thread::get_id());
}

// Readers read plain data that callbacks overwrite and free: a grace period that is too short is a race for
// ThreadSanitizer, a use after free for AddressSanitizer, and a dead value without either.
TEST_F(RcuTest, ReadersNeverSeeWhatACallbackFreed) {
  constexpr unsigned kReaders = 2;
  constexpr unsigned kWriters = 2;
  constexpr unsigned kUpdates = test::rounds(20'000);
  struct Data {
    RcuHead head;
    std::uint64_t value = 1;
    std::atomic<unsigned>* freed = nullptr;
  };
  std::atomic<unsigned> freed{0};
  std::atomic<unsigned> writing{kWriters};
  std::atomic<std::uint64_t> sections{0};
  std::atomic<unsigned> violations{0};
  std::array<std::atomic<Data*>, 2> slots{new Data, new Data};
  for (auto& slot : slots) slot.load()->freed = &freed;
  {
    Rcu rcu({});
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kReaders; ++i) {
      threads.emplace_back([&] {
        const Reader reader;
        do {
          Rcu::read_lock();
          for (auto& slot : slots) {
            const Data* data = slot.load(std::memory_order_acquire);
            for (int spin = 0; spin < 20; ++spin) cpu_relax();
            if (data->value != 1) violations.fetch_add(1);
          }
          Rcu::read_unlock();
          sections.fetch_add(1, std::memory_order_relaxed);
        } while (writing.load(std::memory_order_relaxed) != 0);
      });
    }
    for (unsigned i = 0; i < kWriters; ++i) {
      threads.emplace_back([&, i] {
        for (unsigned update = 0; update < kUpdates; ++update) {
          auto* fresh = new Data;
          fresh->freed = &freed;
          Data* old = slots[(i + update) % 2].exchange(fresh, std::memory_order_acq_rel);
          rcu.call(
              old->head,
              [](RcuHead*, void* context) {
                auto* data = static_cast<Data*>(context);
                data->value = 0xdead;
                data->freed->fetch_add(1, std::memory_order_relaxed);
                delete data;
              },
              old);
          if (update % 64 == 0) {
            rcu.barrier();
            watchdog_.step();
          }
        }
        writing.fetch_sub(1);
      });
    }
  }
  for (auto& slot : slots) delete slot.load();
  EXPECT_EQ(violations.load(), 0u);
  EXPECT_EQ(freed.load(), kWriters * kUpdates);
  EXPECT_GT(sections.load(), 0u);
}

}  // namespace
}  // namespace shadowwalk
