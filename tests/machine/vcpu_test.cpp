#include "harness/machine/vcpu.hpp"

#include <gtest/gtest.h>

#include "harness/machine/cpu.hpp"
#include "tests/machine/bound_thread.hpp"
#include "tests/machine/litmus.hpp"
#include "tests/machine/watchdog.hpp"
#include "tests/rounds.hpp"

namespace shadowwalk {
namespace {

TEST(VcpuTest, EntersWithoutRequests) {
  Vcpu vcpu;
  EXPECT_EQ(vcpu.mode.load(), VcpuMode::outside_guest);
  EXPECT_TRUE(vcpu.enter_guest_mode());
  EXPECT_EQ(vcpu.mode.load(), VcpuMode::in_guest);
  vcpu.leave_guest_mode();
  EXPECT_EQ(vcpu.mode.load(), VcpuMode::outside_guest);
}

TEST(VcpuTest, RequestKeepsItOutUntilItIsTaken) {
  Vcpu vcpu;
  vcpu.post(kRequestTlbFlush);
  vcpu.post(kRequestReloadRoot);
  EXPECT_FALSE(vcpu.enter_guest_mode());
  EXPECT_EQ(vcpu.mode.load(), VcpuMode::outside_guest);
  EXPECT_FALSE(vcpu.enter_guest_mode()) << "looking does not take";
  EXPECT_EQ(vcpu.take_requests(), kRequestTlbFlush | kRequestReloadRoot);
  EXPECT_EQ(vcpu.take_requests(), 0u);
  EXPECT_TRUE(vcpu.enter_guest_mode());
}

TEST(VcpuTest, EnteringClearsAStaleImmediateExit) {
  Vcpu vcpu;
  std::uint8_t byte = 1;
  vcpu.set_immediate_exit(&byte);
  EXPECT_TRUE(vcpu.enter_guest_mode());
  EXPECT_EQ(byte, 0);
}

// Store buffering between entry and request: a vCPU that runs the guest without having seen the request, and a
// requester that found nobody in the guest, would leave the guest with stale translations.
TEST(VcpuTest, NeverEntersUnseenPastARequestThatInterruptsNobody) {
  constexpr unsigned kRounds = test::rounds(20'000);
  test::Watchdog watchdog("an IPI was lost");
  test::Rendezvous rendezvous;
  Vcpu vcpu;
  bool entered = false;  // plain: the rendezvous orders it
  std::atomic<bool> requester_done{false};
  unsigned missed_both = 0;
  unsigned entries = 0;
  test::run_sides([&](unsigned side) {
    if (side == 1) vcpu.bind("litmus");
    rendezvous.meet(side);
    for (unsigned round = 0; round < kRounds; ++round) {
      rendezvous.start(side);
      if (side == 0) {
        const bool interrupted = make_request(vcpu, kRequestTlbFlush) != 0;
        rendezvous.meet(side);
        if (entered) ++entries;
        if (entered && !interrupted) ++missed_both;
        watchdog.step();
      } else {
        entered = vcpu.enter_guest_mode();
        rendezvous.meet(side);
        vcpu.leave_guest_mode();
        vcpu.take_requests();
      }
    }
    if (side == 0) {
      requester_done.store(true);
    } else {
      test::wait_until([&] { return requester_done.load(); });
      vcpu.unbind();
    }
  });
  EXPECT_EQ(missed_both, 0u);
  RecordProperty("entries", static_cast<int>(entries));
}

}  // namespace
}  // namespace shadowwalk
