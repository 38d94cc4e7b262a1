#include "harness/mmu/zapper.hpp"

#include <atomic>
#include <limits>
#include <thread>

#include "tests/mmu/mmu_fixture.hpp"

namespace shadowwalk {
namespace {

using ZapperTest = MmuFixture<Unsafe>;

TEST_F(ZapperTest, PageZapTakesTheSubtree) {
  for (Gfn gfn = 0; gfn < 4 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  EXPECT_EQ(zapper.zap_page(512, 1).pages, 1u);
  EXPECT_EQ(leaf(512), spte::kAbsent);
  EXPECT_NE(leaf(0), spte::kAbsent);
  EXPECT_EQ(zapper.zap_page(512, 1).pages, 0u) << "nothing is there any more";
  EXPECT_EQ(zapper.zap_page(0, 2).pages, 1u + 3u);
  EXPECT_EQ(zapper.zap_page(0, 3).pages, 1u);
  EXPECT_EQ(tree.used_pages(), 1u) << "the root";
}

TEST_F(ZapperTest, OldestGoesFirstAndRootsInUseStay) {
  for (Gfn gfn = 0; gfn < 3 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  EXPECT_EQ(zapper.zap_oldest_at(1).pages, 1u);
  EXPECT_EQ(leaf(0), spte::kAbsent) << "the first that was built";
  EXPECT_NE(leaf(512), spte::kAbsent);
  EXPECT_EQ(zapper.zap_oldest_at(3).pages, 1u + 1u + 2u) << "with its subtree";
  EXPECT_TRUE(zapper.zap_oldest_at(4).empty()) << "a root in use";
}

TEST_F(ZapperTest, RecyclingTakesLeafTablesFirst) {
  for (Gfn gfn = 0; gfn < 3 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  EXPECT_EQ(zapper.recycle(1).pages, 1u);
  EXPECT_EQ(leaf(0), spte::kAbsent) << "the first that was built";
  EXPECT_NE(leaf(512), spte::kAbsent);
  EXPECT_EQ(zapper.recycle(3).pages, 2u + 2u) << "where none is left, the oldest of the others, with its subtree";
  EXPECT_TRUE(zapper.recycle(5).empty()) << "a root in use stays";
}

/// Frees at once, and looks at what its own commit has freed.
template <class Machine>
class FreesInCommit : public Unsafe<Machine> {
 public:
  using Node = typename Unsafe<Machine>::Node;
  using Unsafe<Machine>::Unsafe;
  void commit(PageBatch<Node>&& batch) {
    const SpteWord address = batch.front().address;
    Unsafe<Machine>::commit(std::move(batch));
    first_entry_after_commit =
        reinterpret_cast<const typename Machine::template Atomic<SpteWord>*>(address)->load(std::memory_order_relaxed);
  }
  SpteWord first_entry_after_commit = spte::kPoison;
};
using PoisonTest = MmuFixture<FreesInCommit>;

TEST_F(PoisonTest, IsWrittenWhenTheLockIsFree) {
  access(0, LeafKind::ram_read);
  const auto* const table = Tree::Pool::table(tree.slot_of(*tree.find_current(0, 2), 0).load());
  const std::uint64_t before = CycleClock::now();
  const Zapped zapped = zapper.zap_page(0, 1);
  EXPECT_EQ(zapped.pages, 1u);
  EXPECT_EQ(tree.variant().first_entry_after_commit, spte::kAbsent) << "under mmu_lock";
  for (std::size_t i = 0; i < 512; ++i) ASSERT_EQ(table[i].load(), spte::kPoison) << i;
  EXPECT_GE(zapped.ended, before);
  EXPECT_LE(zapped.ended, CycleClock::now());
  access(0, LeafKind::ram_read);
  EXPECT_EQ(&Tree::Pool::table(tree.slot_of(*tree.find_current(0, 2), 0).load())[0], table) << "the pool has it back";
}

TEST_F(PoisonTest, APageThatIsFreedInAFaultGetsItToo) {
  tree.set_quota(kMinFreePages);
  access(0, LeafKind::ram_read);
  const auto* const table = Tree::Pool::table(tree.slot_of(*tree.find_current(0, 2), 0).load());
  access(512, LeafKind::ram_read);
  EXPECT_EQ(table[1].load(), spte::kPoison);
}

TEST_F(ZapperTest, NoPageThatCommitFreesIsDeferred) {
  window.set(CycleClock::now(), std::numeric_limits<std::uint64_t>::max());
  for (Gfn gfn = 0; gfn < 3 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  EXPECT_EQ(zapper.zap_page(0, 2).pages, 1u + 3u);
  EXPECT_EQ(tree.zap_times().commit_ns.count(), 1u);
  EXPECT_EQ(tree.zap_times().commits_deferred, 0u);
  EXPECT_EQ(tree.zap_times().pages_deferred, 0u);
  const Footprint::Result pages = tree.footprint().result();
  EXPECT_EQ(pages.retired.peak, 4u) << "while the commit was under way";
  EXPECT_EQ(pages.deferred.peak, 0u);
  EXPECT_EQ(pages.free_ns.count(), 4u);
  EXPECT_EQ(pages.deferred_free_ns.count(), 0u);
}

using LeakZapperTest = MmuFixture<Leak>;

TEST_F(LeakZapperTest, PagesThatCommitKeepsAreDeferredInTheWindow) {
  for (Gfn gfn = 0; gfn < 5 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  zapper.zap_page(0, 1);
  EXPECT_EQ(tree.zap_times().pages_deferred, 0u) << "before the window";
  window.set(CycleClock::now(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(zapper.zap_page(512, 1).pages, 1u);
  EXPECT_EQ(zapper.zap_page(0, 2).pages, 1u + 3u);
  EXPECT_EQ(zapper.zap_page(0, 2).pages, 0u) << "no batch, no commit";
  EXPECT_EQ(tree.zap_times().commits_deferred, 2u);
  EXPECT_EQ(tree.zap_times().pages_deferred, 1u + 4u);
  EXPECT_EQ(tree.footprint().result().deferred.peak, 1u + 1u + 4u) << "the window begins with one";
}

using RcuZapperTest = MmuFixture<RcuCounter>;

// A page is deferred from the return of its commit until it is free, whichever thread frees it.
TEST_F(RcuZapperTest, PagesThatAReaderHoldsBackAreDeferredUntilTheGracePeriodIsOver) {
  window.set(CycleClock::now(), std::numeric_limits<std::uint64_t>::max());
  for (Gfn gfn = 0; gfn < 4 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  Tree::Variant::Walker walker(tree.variant(), *machine.vcpus()[0]);
  EXPECT_EQ(zapper.zap_page(0, 1).pages, 1u) << "no reader: freed in commit";
  EXPECT_EQ(tree.footprint().result().deferred.peak, 0u);
  walker.begin();
  EXPECT_EQ(zapper.zap_page(512, 1).pages, 1u);
  EXPECT_EQ(zapper.zap_page(0, 2).pages, 3u);
  EXPECT_EQ(tree.footprint().result().deferred.peak, 4u);
  EXPECT_EQ(tree.footprint().result().deferred_free_ns.count(), 0u) << "the reader is in its section";
  walker.end();
  tree.variant().drain();
  const Footprint::Result pages = tree.footprint().result();
  EXPECT_EQ(pages.deferred.peak, 4u);
  EXPECT_EQ(pages.deferred_free_ns.count(), 4u);
  EXPECT_EQ(pages.free_ns.count(), 5u);
  EXPECT_EQ(pages.deferred.series_last.back(), 0u);
}

TEST_F(ZapperTest, RangeClearsLeavesAndFreesNoPage) {
  for (Gfn gfn = 500; gfn < 530; ++gfn) access(gfn, LeafKind::ram_read);
  const std::size_t before = tree.used_pages();
  EXPECT_EQ(zapper.zap_gfn_range(510, 520).leaves, 10u);
  EXPECT_EQ(tree.used_pages(), before);
  EXPECT_NE(leaf(509), spte::kAbsent);
  EXPECT_EQ(leaf(510), spte::kAbsent);
  EXPECT_EQ(leaf(519), spte::kAbsent);
  EXPECT_NE(leaf(520), spte::kAbsent);
  EXPECT_TRUE(zapper.zap_gfn_range(510, 520).empty());
}

TEST_F(ZapperTest, RangeOverHolesEnds) {
  access(0, LeafKind::ram_read);
  access(1 << 20, LeafKind::ram_read);
  EXPECT_EQ(zapper.zap_gfn_range(0, (1 << 20) + 1).leaves, 2u);
}

TEST_F(ZapperTest, WriteProtectTouchesWritableLeavesOnly) {
  access(1, LeafKind::ram_write);
  access(2, LeafKind::ram_read);
  access(3, LeafKind::mmio);
  EXPECT_EQ(zapper.write_protect(0, 512).leaves, 1u);
  EXPECT_EQ(leaf(3), spte::mmio(3));
}

TEST_F(ZapperTest, EverythingMeansEveryPageAndAsksForReload) {
  for (Gfn gfn = 0; gfn < 100 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  EXPECT_EQ(zapper.zap_all().pages, 1u + 1u + 1u + 100u);
  EXPECT_NE(machine.vcpus()[0]->take_requests() & kRequestReloadRoot, 0u);
  EXPECT_EQ(tree.used_pages(), 0u);
  EXPECT_EQ(tree.footprint().shadow(), 1u) << "the vCPU still holds its root";
  vcpu->reload_root();
  EXPECT_EQ(tree.footprint().shadow(), 1u) << "the old root is freed, there is a new one";
}

// A long zap lets others take the lock every ten pages, and what they build meanwhile stays.
TEST_F(ZapperTest, ZapEverythingBreaksTheLockForAFault) {
  for (Gfn gfn = 0; gfn < 2000 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  std::atomic<bool> zapped{false};
  std::thread other([&] {
    Zapper<Tree>(tree).zap_all();
    zapped = true;
  });
  while (!zapped) vcpu->fault(3, LeafKind::ram_read);
  other.join();
  access(3, LeafKind::ram_read);
  EXPECT_TRUE(access(3, LeafKind::ram_read));
  EXPECT_EQ(vcpu->counts().violations, 0u);
}

TEST_F(ZapperTest, FlushReachesAVcpuInGuestMode) {
  access(0, LeafKind::ram_read);
  ASSERT_TRUE(machine.vcpus()[0]->enter_guest_mode());
  zapper.zap_page(0, 1);
  EXPECT_EQ(machine.vcpus()[0]->mode.load(), VcpuMode::exiting);
  machine.vcpus()[0]->leave_guest_mode();
  EXPECT_EQ(machine.vcpus()[0]->take_requests(), kRequestTlbFlush);
}

}  // namespace
}  // namespace shadowwalk
