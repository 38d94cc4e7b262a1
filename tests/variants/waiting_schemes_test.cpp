// Schemes whose commit waits for walkers: for whom, and what walkers may do meanwhile.
#include <atomic>
#include <thread>

#include "tests/machine/bound_thread.hpp"
#include "tests/variants/scheme_fixture.hpp"
#include "variants/kernel/mode_membarrier.hpp"
#include "variants/kernel/srcu.hpp"
#include "variants/locks/rwlock.hpp"
#include "variants/locks/spinlock.hpp"

namespace shadowwalk {
namespace {

template <template <class> class Variant>
class WaitingScheme : public SchemeFixture<Variant> {
 protected:
  using typename SchemeFixture<Variant>::Linked;
  using typename SchemeFixture<Variant>::Walker;

  /// Zaps a page on a thread of its own while `walker` is in a section; the page must be there until the section ends,
  /// and free when the zap returns.
  void expect_zap_to_wait_for(Walker& walker) {
    Linked& page = this->link();
    walker.begin();
    walker.read(page.slot, 2);
    std::thread zapper([&] { this->zap({&page}); });
    test::give_others_time();
    EXPECT_FALSE(this->is_freed(page));
    walker.end();
    zapper.join();
    EXPECT_TRUE(this->is_freed(page));
  }
};

class ModeMembarrierTest : public WaitingScheme<ModeMembarrier> {};
class SrcuTest : public WaitingScheme<Srcu> {};
class RwLockTest : public WaitingScheme<RwLock> {};
class SpinLockTest : public WaitingScheme<SpinLock> {};

TEST_F(ModeMembarrierTest, AWalkerKeepsItsInterruptsAndIsWaitedForWithoutAnIpi) {
  Walker walker(variant, vcpu(0));
  walker.begin();
  EXPECT_TRUE(vcpu(0).irqs_enabled());
  EXPECT_EQ(vcpu(0).mode.load(), VcpuMode::reading_shadow_page_tables);
  walker.end();
  EXPECT_EQ(vcpu(0).mode.load(), VcpuMode::outside_guest);
  expect_zap_to_wait_for(walker);
  EXPECT_EQ(vcpu(0).ipis_requested(), 0u) << "it was out before the flush looked at it";
}

TEST_F(ModeMembarrierTest, IsInterruptedInTheGuestAndNotInASection) {
  Walker walker(variant, vcpu(0));
  std::uint8_t immediate_exit = 0;
  vcpu(1).set_immediate_exit(&immediate_exit);
  test::BoundThread guest(vcpu(1), [&](const std::stop_token&) { ASSERT_TRUE(vcpu(1).enter_guest_mode()); });
  test::wait_until([&] { return vcpu(1).mode.load() == VcpuMode::in_guest; });
  expect_zap_to_wait_for(walker);
  EXPECT_EQ(vcpu(1).ipis_requested(), 1u);
  EXPECT_EQ(vcpu(0).ipis_requested(), 0u);
}

// Sections are counted in one of two sets, which every zap exchanges: both must be waited for.
TEST_F(SrcuTest, WaitsForSectionsOfEitherSet) {
  Walker walker(variant, vcpu(0));
  for (int zaps = 0; zaps < 3; ++zaps) expect_zap_to_wait_for(walker);
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u) << "no vCPU walks";
}

TEST_F(SrcuTest, AZapWaitsForEachVcpu) {
  Walker first(variant, vcpu(0));
  Walker second(variant, vcpu(1));
  second.begin();
  Linked& page = link();
  std::thread zapper([&] { zap({&page}); });
  first.begin();
  first.end();
  test::give_others_time();
  EXPECT_FALSE(is_freed(page)) << "one is out, the other is not";
  second.end();
  zapper.join();
  EXPECT_TRUE(is_freed(page));
}

TEST_F(RwLockTest, WalkersShareAndKeepAZapOut) {
  Walker first(variant, vcpu(0));
  Walker second(variant, vcpu(1));
  first.begin();
  second.begin();  // on the same thread: would wait for ever if it had to
  first.end();
  second.end();
  expect_zap_to_wait_for(first);
}

TEST_F(SpinLockTest, AWalkerKeepsAnotherAndAZapOut) {
  Walker first(variant, vcpu(0));
  first.begin();
  std::atomic<bool> second_is_in{false};
  std::thread other([&] {
    Walker second(variant, vcpu(1));
    second.begin();
    second_is_in = true;
    second.end();
  });
  test::give_others_time();
  EXPECT_FALSE(second_is_in);
  first.end();
  other.join();
  EXPECT_TRUE(second_is_in);
  expect_zap_to_wait_for(first);
}

}  // namespace
}  // namespace shadowwalk
