#include "harness/machine/cpu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "harness/machine/fences.hpp"
#include "tests/machine/bound_thread.hpp"
#include "tests/machine/litmus.hpp"
#include "tests/machine/watchdog.hpp"

namespace shadowwalk {
namespace {

using test::BoundThread;
using test::give_others_time;
using test::wait_until;

void send_to(Cpu& target) {
  Cpu* const one[] = {&target};
  send_ipi(one);
}

class CpuTest : public testing::Test {
 protected:
  test::Watchdog watchdog_{"an IPI was lost"};
};

TEST_F(CpuTest, BindingNamesTheThreadAndPublishesIt) {
  Cpu cpu;
  EXPECT_EQ(cpu.tid(), 0);
  std::thread([&] {
    EXPECT_EQ(Cpu::current(), nullptr);
    cpu.bind("a-name-of-20-letters");
    std::array<char, 32> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    EXPECT_STREQ(name.data(), "a-name-of-20-le");
    EXPECT_EQ(Cpu::current(), &cpu);
    EXPECT_EQ(cpu.tid(), gettid());
    EXPECT_TRUE(cpu.irqs_enabled());
    cpu.unbind();
    EXPECT_EQ(Cpu::current(), nullptr);
    EXPECT_EQ(cpu.tid(), 0);
    cpu.bind("again");
    cpu.unbind();
  }).join();
}

TEST_F(CpuTest, OpenGateAcknowledgesEachSend) {
  Cpu cpu;
  BoundThread thread(cpu);
  for (std::uint64_t sent = 1; sent <= 100; ++sent) {
    send_to(cpu);
    EXPECT_EQ(cpu.ipis_requested(), sent);
    EXPECT_EQ(cpu.ipis_acknowledged(), sent);
  }
}

TEST_F(CpuTest, ClosedGateHoldsAllSendersBackAndOpeningServesThemAtOnce) {
  constexpr unsigned kSenders = 3;
  Cpu cpu;
  std::atomic<bool> closed{false};
  bool section_over = false;  // plain: send_ipi() promises the order, and ThreadSanitizer checks it
  std::atomic<unsigned> returned{0};
  std::vector<std::jthread> senders;
  {
    BoundThread thread(cpu, [&](const std::stop_token&) {
      cpu.irq_disable();
      EXPECT_FALSE(cpu.irqs_enabled());
      closed.store(true);
      wait_until([&] { return cpu.ipis_requested() == kSenders; });
      give_others_time();
      EXPECT_EQ(cpu.ipis_acknowledged(), 0u);
      EXPECT_EQ(returned.load(), 0u);
      section_over = true;
      cpu.irq_enable();
    });
    wait_until([&] { return closed.load(); });
    for (unsigned i = 0; i < kSenders; ++i) {
      senders.emplace_back([&] {
        send_to(cpu);
        EXPECT_TRUE(section_over);
        returned.fetch_add(1);
      });
    }
    for (auto& sender : senders) sender.join();
  }
  EXPECT_EQ(cpu.ipis_acknowledged(), kSenders);
}

TEST_F(CpuTest, SignalInClosedSectionIsServedByIrqEnableItself) {
  Cpu cpu;
  std::atomic<bool> closed{false};
  BoundThread thread(cpu, [&](const std::stop_token&) {
    cpu.irq_disable();
    closed.store(true);
    wait_until([&] { return cpu.ipis_requested() == 1; });
    // The sender's own signal may still be on its way: this one is taken before pthread_kill() returns.
    pthread_kill(pthread_self(), ipi_signal());
    EXPECT_EQ(cpu.ipis_acknowledged(), 0u);
    cpu.irq_enable();
    EXPECT_EQ(cpu.ipis_acknowledged(), 1u);
  });
  wait_until([&] { return closed.load(); });
  send_to(cpu);
}

TEST_F(CpuTest, SkipsTheSenderItself) {
  Cpu sender;
  Cpu other;
  BoundThread other_thread(other);
  std::atomic<bool> done{false};
  BoundThread sender_thread(sender, [&](const std::stop_token&) {
    Cpu* const both[] = {&sender, &other, &sender};
    send_ipi(both);
    send_to(sender);
    done.store(true);
  });
  wait_until([&] { return done.load(); });
  EXPECT_EQ(sender.ipis_requested(), 0u);
  EXPECT_EQ(other.ipis_acknowledged(), 1u);
}

TEST_F(CpuTest, NoTargetIsNoWait) { send_ipi({}); }

TEST_F(CpuTest, MoreTargetsThanFitOnTheStack) {
  Cpu a;
  Cpu b;
  BoundThread thread_a(a);
  BoundThread thread_b(b);
  std::vector<Cpu*> targets;
  for (int i = 0; i < 100; ++i) {
    targets.push_back(&a);
    targets.push_back(&b);
  }
  send_ipi(targets);
  EXPECT_EQ(a.ipis_acknowledged(), 100u);
  EXPECT_EQ(b.ipis_acknowledged(), 100u);
}

TEST_F(CpuTest, StraySignalsAreHarmless) {
  Cpu cpu;
  std::thread([&] {
    cpu.bind("stray");
    pthread_kill(pthread_self(), ipi_signal());
    cpu.irq_disable();
    pthread_kill(pthread_self(), ipi_signal());
    cpu.irq_enable();
    EXPECT_EQ(cpu.ipis_acknowledged(), 0u);
    cpu.unbind();
    pthread_kill(pthread_self(), ipi_signal());
  }).join();
}

TEST_F(CpuTest, SignalMaskInheritedFromTheCreatorDoesNotLoseIpis) {
  sigset_t ipi;
  sigset_t old;
  sigemptyset(&ipi);
  sigaddset(&ipi, ipi_signal());
  pthread_sigmask(SIG_BLOCK, &ipi, &old);
  Cpu cpu;
  {
    BoundThread thread(cpu);
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    send_to(cpu);
  }
  EXPECT_EQ(cpu.ipis_acknowledged(), 1u);
}

TEST_F(CpuTest, SenderSetsImmediateExitBeforeTheTargetIsInterrupted) {
  struct ExitCpu : Cpu {
    explicit ExitCpu(std::uint8_t* byte) { immediate_exit_ = byte; }
  };
  std::uint8_t byte = 0;
  ExitCpu cpu(&byte);
  std::atomic<bool> closed{false};
  BoundThread thread(cpu, [&](const std::stop_token&) {
    cpu.irq_disable();  // no handler of ours runs to completion of an IPI: whoever sets the byte is the sender
    closed.store(true);
    wait_until([&] { return std::atomic_ref(byte).load() == 1; });
    EXPECT_EQ(cpu.ipis_acknowledged(), 0u);
    cpu.irq_enable();
  });
  wait_until([&] { return closed.load(); });
  send_to(cpu);
}

class CpuDeathTest : public testing::Test {
 protected:
  CpuDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(CpuDeathTest, SendingWithAClosedGate) {
  EXPECT_DEATH(
      {
        Cpu cpu;
        cpu.bind("closed");
        cpu.irq_disable();
        send_ipi({});
      },
      "broken invariant.*interrupt gate closed would deadlock");
}

TEST_F(CpuDeathTest, SendingToACpuThatNobodyIsBoundTo) {
  EXPECT_DEATH(
      {
        Cpu cpu;
        send_to(cpu);
      },
      "broken invariant.*no thread is bound");
}

TEST_F(CpuDeathTest, BindingTwice) {
  EXPECT_DEATH(
      {
        Cpu cpu;
        cpu.bind("once");
        cpu.bind("twice");
      },
      "broken invariant.*bound already");
  EXPECT_DEATH(
      {
        Cpu one;
        Cpu other;
        one.bind("one");
        other.bind("other");
      },
      "broken invariant.*bound already");
}

TEST_F(CpuDeathTest, UnbindingWithAClosedGate) {
  EXPECT_DEATH(
      {
        Cpu cpu;
        cpu.bind("closed");
        cpu.irq_disable();
        cpu.unbind();
      },
      "broken invariant.*gate open");
}

TEST_F(CpuDeathTest, UnbindingAnotherThreadsCpu) {
  EXPECT_DEATH(
      {
        Cpu cpu;
        BoundThread thread(cpu);
        cpu.unbind();
      },
      "broken invariant.*bound thread");
}

TEST_F(CpuDeathTest, DestroyingABoundCpu) {
  EXPECT_DEATH(
      {
        auto cpu = std::make_unique<Cpu>();
        cpu->bind("bound");
        cpu.reset();
      },
      "broken invariant.*destroyed while");
}

constexpr std::uint64_t kMembarrierRounds = 5'000;

class MembarrierTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = register_membarrier(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(MembarrierTest, RegisteringTwiceIsHarmless) { EXPECT_EQ(register_membarrier(), ""); }

TEST_F(MembarrierTest, OneSideMayDoWithACompilerBarrier) {
  EXPECT_EQ(test::StoreBuffering([] { membarrier_all(); }, [] { signal_fence(); }).both_missed(kMembarrierRounds), 0u);
}

}  // namespace
}  // namespace shadowwalk
