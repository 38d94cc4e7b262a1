#include <atomic>

#include "harness/guest/guest_kinds.hpp"
#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using test::mmio_poll;
using test::uniform_ram;

TEST(ThreadGuest, GivesWholeBursts) {
  for (const unsigned burst : {1u, 7u, 256u, 1000u, 65536u}) {
    const auto guest = make_guest(config_of(GuestKind::thread, uniform_ram(), burst));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(guest->vcpu(0).enter().size(), burst);
  }
}

TEST(ThreadGuest, ReturnsWithoutAccessWhileImmediateExitIsSet) {
  const auto guest = make_guest(config_of(GuestKind::thread, mmio_poll(), 16));
  GuestVcpu& vcpu = guest->vcpu(0);
  std::atomic_ref(vcpu.immediate_exit()).store(1);
  EXPECT_TRUE(vcpu.enter().empty());
  EXPECT_TRUE(vcpu.enter().empty()) << "enter() must not clear it";
  std::atomic_ref(vcpu.immediate_exit()).store(0);
  EXPECT_EQ(vcpu.enter().size(), 16u);
}

// A program that kicks its own vCPU in the middle of a burst: a kick at a place that the test chooses.
GuestVcpu* kicked_vcpu = nullptr;
std::uint64_t kick_at = 0;

void count_and_kick(GuestProgramState& state, std::span<Access> out) {
  std::uint64_t& position = state.cursors[0][0].position;
  for (Access& access : out) access = Access::make(position++, AccessKind::read);
  if (position == kick_at) std::atomic_ref(kicked_vcpu->immediate_exit()).store(1);
}

TEST(ThreadGuest, AKickInTheMiddleOfABurstLosesNothing) {
  constexpr unsigned kBurst = 1024;
  GuestConfig config = config_of(GuestKind::thread, mmio_poll(), kBurst);
  config.program.produce = count_and_kick;
  const auto guest = make_guest(config);
  kicked_vcpu = &guest->vcpu(0);
  kick_at = kBurst + kBurst / 2;
  EXPECT_EQ(kicked_vcpu->enter().size(), kBurst);
  EXPECT_TRUE(kicked_vcpu->enter().empty()) << "a kick need not wait for the rest of a burst";
  std::atomic_ref(kicked_vcpu->immediate_exit()).store(0);
  const auto burst = kicked_vcpu->enter();
  ASSERT_EQ(burst.size(), kBurst);
  for (unsigned i = 0; i < kBurst; ++i) ASSERT_EQ(burst[i].gfn(), kBurst + i);
}

TEST(ThreadGuest, AProgramThatLiesIsCaughtByTheRing) {
  GuestConfig config = config_of(GuestKind::thread, mmio_poll(), 4, 2);
  config.program.produce = [](GuestProgramState&, std::span<Access> out) {
    for (Access& access : out) access.word = ~std::uint64_t{0};
  };
  const auto guest = make_guest(config);
  EXPECT_THAT(test::cell_error([&] { guest->vcpu(1).enter(); }), testing::HasSubstr("guest vCPU 1: ring entry 0"));
}

}  // namespace
}  // namespace shadowwalk
