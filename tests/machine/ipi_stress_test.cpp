// IPIs and gates under random load: none is lost, none interrupts a closed section, and each send is a grace period.
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <random>
#include <vector>

#include "harness/machine/mmu_lock.hpp"
#include "harness/machine/placement.hpp"
#include "tests/machine/bound_thread.hpp"
#include "tests/machine/watchdog.hpp"
#include "tests/rounds.hpp"

namespace shadowwalk {
namespace {

using test::BoundThread;
using test::wait_until;

/// A CPU that tells others which section it is in: odd within a closed gate, even without.
struct GatedCpu : Cpu {
  void enter_section() {
    irq_disable();
    section.store(section.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void leave_section() {
    section.store(section.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    irq_enable();
  }
  alignas(64) std::atomic<std::uint64_t> section{0};
};

/// Whether the section that was open at the look `before` is still open at the look `after`.
bool still_in(std::uint64_t before, std::uint64_t after) { return before % 2 == 1 && after == before; }

/// What a section does: nothing, for a random while. Now and then it loses its CPU, so that senders meet closed gates
/// whatever the number of CPUs.
void dwell(unsigned draw) {
  if (draw % 64 == 0) sched_yield();
  for (unsigned i = 0; i < draw / 64 % 32; ++i) cpu_relax();
}

class IpiStressTest : public testing::Test {
 protected:
  /// Runs `body(cpu, random)` on each CPU, all at once, until all have returned; they serve IPIs as long.
  template <std::size_t kCpus, class Body>
  void run(std::array<GatedCpu, kCpus>& cpus, Body body) {
    const Placement placement = Placement::parse("auto");
    std::atomic<std::size_t> done{0};
    std::vector<std::unique_ptr<BoundThread>> threads;
    std::atomic<bool> go{false};
    for (std::size_t i = 0; i < kCpus; ++i) {
      threads.push_back(std::make_unique<BoundThread>(cpus[i], [&, i](const std::stop_token&) {
        pin_this_thread(placement.cpu_of(i).value());  // one CPU would often run them all, and in turns
        std::mt19937 random(static_cast<unsigned>(i + 1));
        wait_until([&] { return go.load(); });
        body(i, random);
        done.fetch_add(1);
      }));
    }
    go.store(true);
    while (done.load() < kCpus) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  template <std::size_t kCpus>
  static void expect_all_acknowledged(const std::array<GatedCpu, kCpus>& cpus) {
    for (const GatedCpu& cpu : cpus) {
      EXPECT_EQ(cpu.ipis_acknowledged(), cpu.ipis_requested());
      EXPECT_GT(cpu.ipis_requested(), 0u);
    }
  }

  test::Watchdog watchdog_{"an IPI was lost"};
};

// A million rounds of disable and enable or send, drawn at random by three CPUs.
TEST_F(IpiStressTest, NoIpiIsLostInAMillionRandomDisableEnableSendRounds) {
  constexpr unsigned kCpus = 3;
  constexpr unsigned kRounds = test::rounds(1'000'000) / kCpus + 1;
  constexpr unsigned kSendsIn = 16;  // one round in so many
  std::array<GatedCpu, kCpus> cpus;
  std::atomic<std::uint64_t> sends{0};
  std::atomic<unsigned> interrupted_sections{0};
  std::atomic<unsigned> early_returns{0};
  std::atomic<unsigned> held_back{0};

  run(cpus, [&](std::size_t self, std::mt19937& random) {
    GatedCpu& cpu = cpus[self];
    for (unsigned round = 0; round < kRounds; ++round) {
      const unsigned draw = random();
      if (draw % kSendsIn != 0) {
        cpu.enter_section();
        const std::uint64_t before = cpu.ipis_acknowledged();
        dwell(draw >> 8);
        if (cpu.ipis_acknowledged() != before) interrupted_sections.fetch_add(1);
        if (cpu.ipis_requested() != before) held_back.fetch_add(1);
        cpu.leave_section();
        continue;
      }
      std::array<Cpu*, kCpus> targets;
      std::array<std::uint64_t, kCpus> sections;
      const unsigned mask = (draw >> 8) % (1u << kCpus);  // may hold the sender itself, or nobody
      std::size_t count = 0;
      for (unsigned i = 0; i < kCpus; ++i) {
        if ((mask >> i & 1) == 0) continue;
        sections[count] = cpus[i].section.load();
        targets[count++] = &cpus[i];
      }
      send_ipi({targets.data(), count});
      for (std::size_t i = 0; i < count; ++i) {
        const GatedCpu& target = static_cast<const GatedCpu&>(*targets[i]);
        if (&target != &cpu && still_in(sections[i], target.section.load())) early_returns.fetch_add(1);
      }
      sends.fetch_add(1);
      watchdog_.step();
    }
  });

  EXPECT_EQ(interrupted_sections.load(), 0u);
  EXPECT_EQ(early_returns.load(), 0u);
  EXPECT_GT(held_back.load(), 0u) << "no IPI met a closed gate: the run shows nothing";
  expect_all_acknowledged(cpus);
  RecordProperty("rounds", static_cast<int>(kRounds * kCpus));
  RecordProperty("sends", static_cast<int>(sends.load()));
  RecordProperty("held_back", static_cast<int>(held_back.load()));
}

TEST_F(IpiStressTest, TwoZappersSendingToEachOtherServeEachOther) {
  constexpr unsigned kRounds = test::rounds(50'000);
  std::array<GatedCpu, 2> zappers;
  run(zappers, [&](std::size_t self, std::mt19937&) {
    Cpu* const other[] = {&zappers[1 - self]};
    for (unsigned round = 0; round < kRounds; ++round) {
      send_ipi(other);
      watchdog_.step();
    }
  });
  for (const GatedCpu& cpu : zappers) EXPECT_EQ(cpu.ipis_requested(), kRounds);
  expect_all_acknowledged(zappers);
}

// What irq-ipi builds on: unlink, send, and nobody reads what was unlinked. The data is plain, so that a section which
// outlives the send is a race for ThreadSanitizer, and a stale value without it.
TEST_F(IpiStressTest, ASendIsAGracePeriodForSectionsWithTheirGateClosed) {
  constexpr unsigned kRounds = test::rounds(10'000);
  constexpr std::uint64_t kDead = ~0ull;
  std::array<std::uint64_t, 2> data{0, kDead};
  std::atomic<std::uint64_t*> slot{&data[0]};
  std::array<GatedCpu, 3> cpus;  // a freer and two readers
  std::atomic<bool> stop{false};
  std::atomic<unsigned> violations{0};

  run(cpus, [&](std::size_t self, std::mt19937& random) {
    if (self == 0) {
      Cpu* const readers[] = {&cpus[1], &cpus[2]};
      for (unsigned round = 1; round <= kRounds; ++round) {
        std::uint64_t& fresh = data[round % 2];
        std::uint64_t& old = data[1 - round % 2];
        fresh = round;
        slot.store(&fresh, std::memory_order_release);
        send_ipi(readers);
        old = kDead;
        watchdog_.step();
      }
      stop.store(true);
      return;
    }
    for (unsigned i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      if (i % 16 == 0) sched_yield();  // else, with more threads than CPUs, each send costs the freer a reader's slice
      cpus[self].enter_section();
      const std::uint64_t* value = slot.load(std::memory_order_acquire);
      dwell(random());
      if (*value == kDead) violations.fetch_add(1);
      cpus[self].leave_section();
    }
  });
  EXPECT_EQ(violations.load(), 0u);
  EXPECT_GT(cpus[1].section.load(), 0u);
  EXPECT_EQ(cpus[1].ipis_acknowledged(), kRounds);
  EXPECT_EQ(cpus[2].ipis_acknowledged(), kRounds);
}

class LockAndIpiTest : public IpiStressTest, public testing::WithParamInterface<MmuLockKind> {};

// The synchronous schemes wait for IPIs with mmu_lock held, and the CPUs that they interrupt wait for the lock.
TEST_P(LockAndIpiTest, WaitersForMmuLockServeTheIpisOfItsHolder) {
  constexpr unsigned kRounds = test::rounds(10'000);
  MmuLock lock(GetParam());
  std::array<GatedCpu, 3> cpus;
  std::uint64_t counter = 0;
  run(cpus, [&](std::size_t, std::mt19937& random) {
    Cpu* const all[] = {&cpus[0], &cpus[1], &cpus[2]};
    for (unsigned round = 0; round < kRounds; ++round) {
      lock.lock();
      ++counter;
      if (random() % 4 == 0) send_ipi(all);
      lock.unlock();
      watchdog_.step();
    }
  });
  EXPECT_EQ(counter, 3u * kRounds);
  expect_all_acknowledged(cpus);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LockAndIpiTest, testing::Values(MmuLockKind::ticket, MmuLockKind::mutex),
                         [](const auto& kind) { return kind.param == MmuLockKind::ticket ? "ticket" : "mutex"; });

TEST_F(IpiStressTest, AThreadThatWaitsForALatchAnswersEachOfThem) {
  std::array<GatedCpu, 1> waiting;
  std::latch latch(1);
  const BoundThread thread(waiting[0], [&](const std::stop_token&) { wait_interruptibly(latch); });
  Cpu* const target[] = {&waiting[0]};
  for (unsigned i = 0; i < 10'000; ++i) {
    send_ipi(target);
    watchdog_.step();
  }
  expect_all_acknowledged(waiting);
  latch.count_down();
}

}  // namespace
}  // namespace shadowwalk
