// What only one scheme does, step by step.
#include <array>
#include <functional>
#include <thread>

#include "tests/variants/scheme_fixture.hpp"
#include "variants/epochs/debra.hpp"
#include "variants/epochs/ebr.hpp"
#include "variants/epochs/ebr_amortized.hpp"
#include "variants/epochs/qsbr.hpp"
#include "variants/kernel/gus.hpp"
#include "variants/kernel/rcu.hpp"
#include "variants/kernel/rcu_batch.hpp"
#include "variants/kernel/rcu_expedited.hpp"
#include "variants/negative/hazard_novalidate.hpp"
#include "variants/negative/irq_ipi_early_return.hpp"
#include "variants/optimistic/nbr.hpp"
#include "variants/optimistic/optimistic.hpp"
#include "variants/pointers/hazard_eras.hpp"
#include "variants/pointers/hazard_pop.hpp"
#include "variants/pointers/hyaline.hpp"
#include "variants/pointers/ibr.hpp"
#include "variants/pointers/refcount.hpp"

namespace shadowwalk {
namespace {

class RcuTest : public SchemeFixture<RcuPerPage> {};
class RcuBatchTest : public SchemeFixture<RcuBatch> {};
class RcuExpeditedTest : public SchemeFixture<RcuExpedited> {};
class QsbrTest : public SchemeFixture<Qsbr> {};
class GusTest : public SchemeFixture<Gus> {};
class EbrTest : public SchemeFixture<Ebr> {};
class EbrAmortizedTest : public SchemeFixture<EbrAmortized> {};
class DebraTest : public SchemeFixture<Debra> {};
class RefCountTest : public SchemeFixture<RefCount> {};
class HazardErasTest : public SchemeFixture<HazardEras> {};
class IbrTest : public SchemeFixture<Ibr> {};
class HyalineTest : public SchemeFixture<Hyaline> {};
class HazardPopTest : public SchemeFixture<HazardPop> {};
class OptimisticTest : public SchemeFixture<Optimistic> {};
class NbrTest : public SchemeFixture<Nbr> {};
class HazardNoValidateTest : public SchemeFixture<HazardNoValidate> {};
class IrqIpiEarlyReturnTest : public SchemeFixture<IrqIpiEarlyReturn, 1> {};

TEST_F(RcuTest, EachPageIsACallbackAndTheBatchAtMostAGracePeriodEach) {
  zap({&link(), &link(), &link()});
  variant.drain();
  EXPECT_EQ(unreclaimed(), 0u);
  EXPECT_GE(machine.rcu().grace_periods(), 1u);
}

TEST_F(RcuBatchTest, OneGracePeriodAZap) {
  zap({&link(), &link(), &link()});
  variant.drain();
  EXPECT_EQ(unreclaimed(), 0u);
  EXPECT_EQ(machine.rcu().grace_periods(), 1u);
}

TEST_F(RcuExpeditedTest, CommitWaitsForTheGracePeriod) {
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u);
  zap({&link(), &link()});
  EXPECT_EQ(unreclaimed(), 0u);
  EXPECT_EQ(machine.rcu().grace_periods(), 2u);
}

TEST_F(QsbrTest, AnOnlineVcpuHoldsPagesUpUntilItEndsAWalkOrGoesOffline) {
  Walker walker(variant, vcpu(0));
  Linked& first = link();
  zap({&first});
  zap({&link()});
  EXPECT_FALSE(is_freed(first)) << "online, and has not passed a quiescent state";
  walker.begin();
  walker.end();
  zap({&link()});
  EXPECT_TRUE(is_freed(first));
  EXPECT_EQ(unreclaimed(), 1u) << "the last: no vCPU has passed since";
  walker.offline();
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u) << "an offline vCPU delays nothing";
}

TEST_F(GusTest, APageWaitsForTheSectionsThatWereOpenAndNoOther) {
  Walker old_walker(variant, vcpu(0));
  Walker new_walker(variant, vcpu(1));
  old_walker.begin();
  Linked& first = link();
  zap({&first});
  new_walker.begin();
  EXPECT_FALSE(is_freed(first));
  old_walker.end();
  Linked& second = link();
  zap({&second});
  EXPECT_TRUE(is_freed(first)) << "the open section began after it was unlinked";
  EXPECT_FALSE(is_freed(second));
  new_walker.end();
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u);
}

TEST_F(EbrTest, AWalkerHoldsUpTheEpochAfterNextAndNobodyWalkingNothing) {
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u) << "three epochs in one commit";
  Walker walker(variant, vcpu(0));
  walker.begin();
  zap({&link()});
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 2u);
  walker.end();
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u);
}

TEST_F(EbrAmortizedTest, FreesTwoPagesForEachThatIsRetired) {
  Walker walker(variant, vcpu(0));
  walker.begin();
  for (int i = 0; i < 10; ++i) zap({&link()});
  EXPECT_EQ(unreclaimed(), 10u);
  walker.end();
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 9u) << "all 11 may be freed, two are";
  for (int i = 0; i < 9; ++i) zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u);
}

TEST_F(DebraTest, CommitsLookAtOneVcpuEachUntilManyPagesWait) {
  std::size_t peak = 0;
  for (int i = 0; i < 100; ++i) {
    zap({&link()});
    peak = std::max(peak, unreclaimed());
  }
  EXPECT_GE(peak, 2u) << "two vCPUs are two looks an epoch";
  EXPECT_LE(peak, 6u);
}

TEST_F(DebraTest, WalkersAdvanceTheEpochToo) {
  Linked& page = link();
  zap({&page});
  Walker walker(variant, vcpu(0));
  for (int i = 0; i < 64 * 4; ++i) {  // a look every 64 sections, two looks an epoch, two epochs
    walker.begin();
    walker.end();
  }
  zap({&link()});
  EXPECT_TRUE(is_freed(page));
}

TEST_F(DebraTest, AllAreLookedAtWhenManyPagesWait) {
  Walker walker(variant, vcpu(1));
  walker.begin();
  for (int i = 0; i < 200; ++i) zap({&link()});
  EXPECT_EQ(unreclaimed(), 200u);
  walker.end();
  zap({&link()});
  EXPECT_EQ(unreclaimed(), 0u);
}

TEST_F(RefCountTest, TheLastWalkerFrees) {
  Walker first(variant, vcpu(0));
  Walker second(variant, vcpu(1));
  Linked& page = link();
  first.begin();
  second.begin();
  first.read(page.slot, 2);
  second.read(page.slot, 2);
  zap({&page, &link()});
  EXPECT_EQ(unreclaimed(), 1u) << "the page that no vCPU walks is free";
  first.end();
  EXPECT_FALSE(is_freed(page));
  second.end();
  EXPECT_TRUE(is_freed(page));
}

TEST_F(RefCountTest, ALateWalkerLetsGoOfAPageThatIsGone) {
  Walker walker(variant, vcpu(0));
  Linked& page = link();
  // Its load is older than the zap.
  struct LateSlot {
    SpteWord load(std::memory_order) const { return std::exchange(value, 0); }
    mutable SpteWord value;
  } slot{page.slot.load()};
  zap({&page});
  EXPECT_TRUE(is_freed(page));
  walker.begin();
  EXPECT_EQ(walker.read(slot, 2), 0u);
  walker.end();
  EXPECT_FALSE(environment.double_free());
  EXPECT_EQ(page.page.node.count.load(), 0u) << "and it is as it was, for its next life";
}

TEST_F(HazardErasTest, PagesLinkedAfterTheStalledReadAreFreed) {
  Walker walker(variant, vcpu(0));
  Linked& old = link();
  walker.begin();
  walker.read(old.slot, 2);
  zap({&old});
  for (int i = 0; i < 200; ++i) zap({&link()});
  EXPECT_FALSE(is_freed(old));
  EXPECT_LE(unreclaimed(), 65u) << "one page, and fewer than a scan's worth";
  walker.end();
  walker.offline();
  for (int i = 0; i < 64; ++i) zap({&link()});
  EXPECT_TRUE(is_freed(old));
  variant.drain();
}

TEST_F(IbrTest, TheIntervalGrowsWithReads) {
  Walker walker(variant, vcpu(0));
  Linked& old = link();
  walker.begin();
  walker.read(old.slot, 3);
  Linked& young = link();
  zap({&old});
  Linked& younger = link();
  walker.read(younger.slot, 2);
  zap({&young, &younger});
  for (int i = 0; i < 200; ++i) zap({&link()});
  EXPECT_FALSE(is_freed(old));
  EXPECT_FALSE(is_freed(younger));
  walker.end();
  for (int i = 0; i < 64; ++i) zap({&link()});
  EXPECT_TRUE(is_freed(old));
  EXPECT_TRUE(is_freed(younger));
  variant.drain();
}

TEST_F(HyalineTest, TheLastToLeaveFreesTheBatch) {
  Walker first(variant, vcpu(0));
  Walker second(variant, vcpu(1));
  Linked& page = link();
  first.begin();
  second.begin();
  first.read(page.slot, 2);
  second.read(page.slot, 2);
  zap({&page});
  EXPECT_FALSE(is_freed(page));
  second.end();
  EXPECT_FALSE(is_freed(page));
  first.end();
  EXPECT_TRUE(is_freed(page));
}

TEST_F(HyalineTest, AWalkerIsNotAskedForPagesYoungerThanItsLastRead) {
  Walker walker(variant, vcpu(0));
  Linked& page = link();
  walker.begin();
  walker.read(page.slot, 2);
  zap({&page});  // ends the era
  Linked& young = link();
  zap({&young});
  EXPECT_TRUE(is_freed(young));
  EXPECT_FALSE(is_freed(page));
  walker.end();
  EXPECT_TRUE(is_freed(page));
}

/// Calls `meanwhile` on this thread while another one, as vCPU 0, is inside a section that has read `slot`; it then
/// ends the section. Returns what that said.
template <class Fixture>
bool while_walking(Fixture& fixture, const std::atomic<SpteWord>& slot, const std::function<void()>& meanwhile) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  bool usable = false;
  std::thread walking([&] {
    fixture.vcpu(0).bind("vcpu-0");
    {
      typename Fixture::Walker walker(fixture.variant, fixture.vcpu(0));
      walker.begin();
      walker.read(slot, 2);
      inside = true;
      while (!leave) std::this_thread::yield();
      usable = walker.end();
      walker.offline();
    }
    fixture.vcpu(0).unbind();
  });
  while (!inside) std::this_thread::yield();
  meanwhile();
  leave = true;
  walking.join();
  return usable;
}

TEST_F(HazardPopTest, APingPublishesWhatTheWalkerHolds) {
  Linked& page = link();
  EXPECT_TRUE(while_walking(*this, page.slot, [&] {
    zap({&page});
    for (int i = 0; i < 200; ++i) zap({&link()});
    EXPECT_FALSE(is_freed(page));
    EXPECT_GT(environment.freed(), 100u);
    EXPECT_GT(vcpu(0).ipis_acknowledged(), 0u);
  }));
  const std::uint64_t pings = vcpu(0).ipis_acknowledged();
  for (int i = 0; i < 100; ++i) zap({&link()});
  EXPECT_TRUE(is_freed(page));
  EXPECT_EQ(vcpu(0).ipis_acknowledged(), pings) << "an offline vCPU gets no IPI";
  variant.drain();
}

TEST_F(NbrTest, AWalkThatWasInterruptedMayNotBeUsed) {
  Linked& page = link();
  EXPECT_FALSE(while_walking(*this, page.slot, [&] {
    zap({&page});
    for (int i = 0; i < 63; ++i) zap({&link()});
    EXPECT_TRUE(is_freed(page)) << "the freer waits only for the handlers";
  }));
  EXPECT_TRUE(while_walking(*this, page.slot, [] {})) << "nothing happened meanwhile";
  variant.drain();
}

TEST_F(OptimisticTest, AResultFromAPageThatWasZappedIsThrownAway) {
  Walker walker(variant, vcpu(0));
  Linked& table = link();
  std::atomic<SpteWord> leaf{kSptePresent};
  walker.begin();
  walker.read(table.slot, 2);
  EXPECT_EQ(walker.read(leaf, 1), kSptePresent);
  EXPECT_TRUE(walker.end());
  walker.begin();
  walker.read(table.slot, 2);
  zap({&table});
  EXPECT_TRUE(is_freed(table)) << "even under a walker";
  EXPECT_EQ(walker.read(leaf, 1), kRestartWalk) << "what the slot holds now is another table's";
  EXPECT_FALSE(walker.end());
}

TEST_F(OptimisticTest, AZapOfOtherPagesDoesNotDisturb) {
  Walker walker(variant, vcpu(0));
  Linked& table = link();
  walker.begin();
  walker.read(table.slot, 2);
  zap({&link(), &link()});
  EXPECT_TRUE(walker.end());
}

TEST_F(HazardNoValidateTest, WalksThroughAPageThatIsGone) {
  Walker walker(variant, vcpu(0));
  Linked& page = link();
  struct LateSlot {
    SpteWord load(std::memory_order) const { return std::exchange(value, 0); }
    mutable SpteWord value;
  } slot{page.slot.load()};
  walker.begin();
  EXPECT_NE(walker.read(slot, 2), 0u) << "the second load would show it";
  walker.end();
  variant.drain();
}

TEST_F(IrqIpiEarlyReturnTest, ASecondZapFreesUnderAWalker) {
  zap({&link()});  // leaves its request with the vCPU, which has no reason to look
  Linked& page = link();
  std::thread walking([&] {
    vcpu(0).bind("vcpu-0");
    Walker walker(variant, vcpu(0));
    walker.begin();
    walker.read(page.slot, 2);
    std::thread([&] { zap({&page}); }).join();
    EXPECT_TRUE(is_freed(page)) << "the twin must do harm";
    walker.end();
    vcpu(0).unbind();
  });
  walking.join();
}

}  // namespace
}  // namespace shadowwalk
