#include "harness/machine/request_all_cpus.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "harness/machine/native_machine.hpp"
#include "tests/machine/bound_thread.hpp"
#include "tests/machine/watchdog.hpp"

namespace shadowwalk {
namespace {

using test::BoundThread;
using test::give_others_time;
using test::wait_until;

class RequestAllCpusTest : public testing::Test {
 protected:
  test::Watchdog watchdog_{"a flush never returned"};
};

TEST_F(RequestAllCpusTest, VcpuOutsideTheGuestIsLeftAlone) {
  Vcpu vcpu;  // bound to no thread: an IPI would abort
  EXPECT_EQ(make_request(vcpu, kRequestTlbFlush), 0u);
  EXPECT_EQ(vcpu.ipis_requested(), 0u);
  EXPECT_EQ(vcpu.mode.load(), VcpuMode::outside_guest);
  EXPECT_EQ(vcpu.take_requests(), kRequestTlbFlush) << "the request is posted all the same";
}

TEST_F(RequestAllCpusTest, VcpuInTheGuestIsToldToExitByTheSender) {
  Vcpu vcpu;
  std::uint8_t immediate_exit = 0;
  vcpu.set_immediate_exit(&immediate_exit);
  std::atomic<bool> in_guest{false};
  std::atomic<bool> exited{false};
  BoundThread thread(vcpu, [&](const std::stop_token&) {
    ASSERT_TRUE(vcpu.enter_guest_mode());
    in_guest.store(true);
    wait_until([&] { return std::atomic_ref(immediate_exit).load() == 1; });
    EXPECT_EQ(vcpu.mode.load(), VcpuMode::exiting);
    vcpu.leave_guest_mode();
    EXPECT_FALSE(vcpu.enter_guest_mode()) << "the request is pending";
    EXPECT_EQ(vcpu.take_requests(), kRequestReloadRoot);
    // It sees immediate_exit before the signal comes, and must not go back without having served that.
    wait_until([&] { return vcpu.enter_guest_mode(); });
    EXPECT_EQ(vcpu.ipis_acknowledged(), 1u);
    vcpu.leave_guest_mode();
    exited.store(true);
  });
  wait_until([&] { return in_guest.load(); });
  EXPECT_EQ(make_request(vcpu, kRequestReloadRoot), 1u);
  EXPECT_EQ(vcpu.ipis_acknowledged(), 1u);
  wait_until([&] { return exited.load(); });
}

TEST_F(RequestAllCpusTest, InterruptsOnlyThoseThatAreNotOutside) {
  NativeMachine machine(4);  // one in each mode
  const auto& vcpus = machine.vcpus();
  constexpr VcpuMode kModes[] = {VcpuMode::outside_guest, VcpuMode::in_guest, VcpuMode::exiting,
                                 VcpuMode::reading_shadow_page_tables};
  std::vector<std::unique_ptr<BoundThread>> threads;
  for (unsigned i = 0; i < 4; ++i) {
    vcpus[i]->mode.store(kModes[i]);
    threads.push_back(std::make_unique<BoundThread>(*vcpus[i]));
  }
  EXPECT_EQ(make_all_cpus_request(vcpus, kRequestTlbFlush), 3u);
  EXPECT_EQ(vcpus[0]->ipis_requested(), 0u);
  for (unsigned i = 1; i < 4; ++i) EXPECT_EQ(vcpus[i]->ipis_acknowledged(), 1u) << i;
  EXPECT_EQ(vcpus[1]->mode.load(), VcpuMode::exiting);
  EXPECT_EQ(vcpus[2]->mode.load(), VcpuMode::exiting);
  EXPECT_EQ(vcpus[3]->mode.load(), VcpuMode::reading_shadow_page_tables) << "a reader's mode is its own";
  for (Vcpu* vcpu : vcpus) EXPECT_EQ(vcpu->take_requests(), kRequestTlbFlush);
}

TEST_F(RequestAllCpusTest, VcpuThatSendsSkipsItself) {
  Vcpu sender;
  Vcpu other;
  other.mode.store(VcpuMode::in_guest);
  std::atomic<bool> done{false};
  BoundThread other_thread(other);
  BoundThread sender_thread(sender, [&](const std::stop_token&) {
    sender.mode.store(VcpuMode::reading_shadow_page_tables);  // would deadlock if it waited for itself
    Vcpu* const all[] = {&sender, &other};
    EXPECT_EQ(make_all_cpus_request(all, kRequestTlbFlush), 1u);
    EXPECT_EQ(make_request(sender, kRequestReloadRoot), 0u);
    EXPECT_EQ(sender.take_requests(), kRequestTlbFlush | kRequestReloadRoot);
    done.store(true);
  });
  wait_until([&] { return done.load(); });
  EXPECT_EQ(sender.ipis_requested(), 0u);
  EXPECT_EQ(other.ipis_acknowledged(), 1u);
}

TEST_F(RequestAllCpusTest, TwoVcpusThatFlushAtTheSameTimeServeEachOther) {
  constexpr unsigned kRounds = 1000;
  NativeMachine machine(2);
  std::atomic<bool> both_bound{false};
  std::atomic<unsigned> done{0};
  const auto flush = [&](const std::stop_token&) {
    wait_until([&] { return both_bound.load(); });
    for (unsigned round = 0; round < kRounds; ++round) {
      machine.flush_remote_tlbs();
      watchdog_.step();
    }
    done.fetch_add(1);
  };
  for (Vcpu* vcpu : machine.vcpus()) vcpu->mode.store(VcpuMode::in_guest);
  BoundThread one(*machine.vcpus()[0], flush);
  BoundThread two(*machine.vcpus()[1], flush);
  both_bound.store(true);
  wait_until([&] { return done.load() == 2; });
  for (Vcpu* vcpu : machine.vcpus()) EXPECT_EQ(vcpu->ipis_acknowledged(), kRounds);
}

class WaitForSectionTest : public RequestAllCpusTest, public testing::WithParamInterface<VcpuMode> {};

// The kernel's bug before 84261923d3dd: the second flusher found the request set already, and returned at once.
TEST_P(WaitForSectionTest, EveryFlusherWaitsForTheClosedGateThoughTheRequestIsPending) {
  constexpr unsigned kFlushers = 3;
  Vcpu vcpu;
  std::atomic<bool> closed{false};
  bool section_over = false;  // plain: each flush promises the order, and ThreadSanitizer checks it
  std::atomic<unsigned> returned{0};
  {
    BoundThread thread(vcpu, [&](const std::stop_token&) {
      vcpu.irq_disable();
      vcpu.mode.store(GetParam());
      closed.store(true);
      wait_until([&] { return vcpu.ipis_requested() + returned.load() >= kFlushers; });
      give_others_time();
      EXPECT_EQ(returned.load(), 0u);
      section_over = true;
      vcpu.mode.store(VcpuMode::outside_guest, std::memory_order_release);
      vcpu.irq_enable();
    });
    wait_until([&] { return closed.load(); });
    std::vector<std::jthread> flushers;
    for (unsigned i = 0; i < kFlushers; ++i) {
      flushers.emplace_back([&] {
        EXPECT_EQ(make_request(vcpu, kRequestTlbFlush), 1u);
        EXPECT_TRUE(section_over);
        returned.fetch_add(1);
      });
      wait_until([&] { return vcpu.ipis_requested() + returned.load() > i; });
    }
  }
  EXPECT_EQ(vcpu.ipis_acknowledged(), kFlushers);
}

INSTANTIATE_TEST_SUITE_P(Modes, WaitForSectionTest,
                         testing::Values(VcpuMode::in_guest, VcpuMode::exiting, VcpuMode::reading_shadow_page_tables),
                         [](const auto& mode) {
                           return mode.param == VcpuMode::in_guest  ? "in_guest"
                                  : mode.param == VcpuMode::exiting ? "exiting"
                                                                    : "reading";
                         });

TEST_F(RequestAllCpusTest, ObserverSeesFlushesThatInterruptedSomebody) {
  struct Observer : NativeMachine::IpiObserver {
    void on_ipis(std::size_t sent, std::uint64_t) override { sizes.push_back(sent); }
    std::vector<std::size_t> sizes;
  } observer;
  NativeMachine machine(2);
  machine.observe_ipis(&observer);
  machine.flush_remote_tlbs();
  EXPECT_TRUE(observer.sizes.empty());

  BoundThread one(*machine.vcpus()[0]);
  BoundThread two(*machine.vcpus()[1]);
  machine.vcpus()[0]->mode.store(VcpuMode::in_guest);
  machine.flush_remote_tlbs();
  machine.vcpus()[1]->mode.store(VcpuMode::in_guest);
  machine.request_root_reload();
  EXPECT_EQ(observer.sizes, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(machine.vcpus()[1]->take_requests(), kRequestTlbFlush | kRequestReloadRoot);
}

class RemoteFlushDeathTest : public testing::Test {
 protected:
  RemoteFlushDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(RemoteFlushDeathTest, FlushingInsideAClosedSection) {
  EXPECT_DEATH(
      {
        Vcpu other;
        other.mode.store(VcpuMode::in_guest);
        BoundThread thread(other);
        Vcpu self;
        self.bind("closed");
        self.irq_disable();
        make_request(other, kRequestTlbFlush);
      },
      "broken invariant.*interrupt gate closed would deadlock");
}

}  // namespace
}  // namespace shadowwalk
