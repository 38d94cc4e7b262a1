#include "harness/mmu/vcpu_mmu.hpp"

#include "tests/mmu/mmu_fixture.hpp"

namespace shadowwalk {
namespace {

using VcpuMmuTest = MmuFixture<Leak>;

TEST_F(VcpuMmuTest, FaultBuildsTheMissingLevelsOnce) {
  EXPECT_FALSE(access(0, LeafKind::ram_read));
  EXPECT_EQ(tree.used_pages(), 4u);
  EXPECT_TRUE(access(0, LeafKind::ram_read));
  EXPECT_FALSE(access(1, LeafKind::ram_read));
  EXPECT_EQ(tree.used_pages(), 4u) << "the neighbour shares every table";
  EXPECT_FALSE(access(512, LeafKind::ram_read));
  EXPECT_EQ(tree.used_pages(), 5u);
  EXPECT_FALSE(access(MeasuredGeometry::kGfns - 1, LeafKind::ram_read));
  EXPECT_EQ(tree.used_pages(), 8u) << "the window's far end shares only the root";
}

TEST_F(VcpuMmuTest, MmioAndRamAreDifferentLeaves) {
  access(5, LeafKind::mmio);
  EXPECT_TRUE(access(5, LeafKind::mmio));
  EXPECT_FALSE(access(5, LeafKind::ram_read)) << "the memslot has changed: a fault, no violation";
  EXPECT_TRUE(access(5, LeafKind::ram_read));
  EXPECT_EQ(vcpu->counts().violations, 0u);
}

TEST_F(VcpuMmuTest, WriteProtectedLeafIsMadeWritableWithoutTheLock) {
  access(7, LeafKind::ram_write);
  EXPECT_EQ(zapper.write_protect(0, 512).leaves, 1u);
  EXPECT_FALSE(spte::is_writable(leaf(7)));
  EXPECT_EQ(walk(7, LeafKind::ram_read), Walked::served);
  EXPECT_EQ(vcpu->counts().made_writable, 0u);
  EXPECT_EQ(walk(7, LeafKind::ram_write), Walked::served);
  EXPECT_EQ(vcpu->counts().made_writable, 1u);
  EXPECT_TRUE(spte::is_writable(leaf(7)));
  EXPECT_NE(leaf(7) & spte::kDirty, 0u);
}

TEST_F(VcpuMmuTest, LeafThatTheHostMadeReadOnlyTakesTheFaultPath) {
  access(7, LeafKind::ram_read);
  auto* page = tree.current_root();
  while (page->level > 1) page = &tree.pool().page(tree.slot_of(*page, 7).load());
  tree.slot_of(*page, 7).fetch_and(~(spte::kWritable | spte::kMmuWritable));
  EXPECT_EQ(walk(7, LeafKind::ram_write), Walked::fault);
  EXPECT_EQ(vcpu->counts().made_writable, 0u);
}

TEST_F(VcpuMmuTest, StaleRootIsReplacedOnFault) {
  access(3, LeafKind::ram_read);
  auto* before = tree.current_root();
  zapper.zap_all();
  EXPECT_EQ(tree.current_root(), nullptr);
  EXPECT_FALSE(access(3, LeafKind::ram_read));
  EXPECT_NE(tree.current_root(), before);
  EXPECT_TRUE(access(3, LeafKind::ram_read));
  EXPECT_EQ(vcpu->counts().violations, 0u);
}

// --- The walker catches its own use after free. `unsafe` frees in commit, so that what the walker sees is scripted.

class ViolationTest : public MmuFixture<Unsafe> {
 protected:
  /// A table that is freed while the slot above still leads to it, as a walker in between two levels would see it.
  void free_under_the_walker(Gfn gfn, int level) {
    auto* parent = tree.current_root();
    while (parent->level > level + 1) parent = &tree.pool().page(tree.slot_of(*parent, gfn).load());
    auto& slot = tree.slot_of(*parent, gfn);
    const SpteWord entry = slot.load();
    zapper.zap_page(gfn, level);
    slot.store(entry);
    stale_slot = &slot;
  }
  void TearDown() override {
    if (stale_slot != nullptr) stale_slot->store(spte::kAbsent);
  }
  std::uint64_t violations() const { return vcpu->counts().violations; }
  Walked plain_walk(Gfn gfn, LeafKind kind) { return vcpu->template walk<false, false>(gfn, kind); }

  Tree::Slot* stale_slot = nullptr;
};

TEST_F(ViolationTest, PoisonIsToldFromAbsence) {
  access(9, LeafKind::mmio);
  EXPECT_EQ(plain_walk(10, LeafKind::mmio), Walked::fault);
  EXPECT_EQ(violations(), 0u) << "absence is no violation";
  for (const int level : {1, 2, 3}) {
    access(9, LeafKind::mmio);
    const std::uint64_t before = violations();
    free_under_the_walker(9, level);
    EXPECT_EQ(plain_walk(9, LeafKind::mmio), Walked::fault);
    EXPECT_EQ(violations(), before + 1) << "level " << level;
    stale_slot->store(spte::kAbsent);
  }
  EXPECT_NE(vcpu->first_violation().find("poison"), std::string::npos);
}

TEST_F(ViolationTest, AnotherGfnsLeafIsAViolation) {
  access(9, LeafKind::mmio);
  free_under_the_walker(9, 1);
  // The freed table comes back as that of gfn 9 + 512 x k, and a stale walk would be served a wrong page.
  access(9 + 5 * 512, LeafKind::mmio);
  EXPECT_EQ(plain_walk(9, LeafKind::mmio), Walked::fault);
  EXPECT_EQ(violations(), 1u);
  EXPECT_NE(vcpu->first_violation().find("another gfn"), std::string::npos);
}

TEST_F(ViolationTest, LeafWhereATableBelongsIsAViolation) {
  std::uint64_t before = 0;
  for (const LeafKind kind : {LeafKind::mmio, LeafKind::ram_read}) {
    access(0, kind);
    free_under_the_walker(0, 2);  // frees the level-1 table, then the level-2 table
    access(512 * 512, kind);      // takes both again: one of them changes its level
    EXPECT_EQ(plain_walk(0, kind), Walked::fault);
    EXPECT_EQ(violations(), before + 1);
    EXPECT_EQ(walk(0, kind), Walked::fault);
    EXPECT_EQ(violations(), before + 2);
    before = violations();
    stale_slot->store(spte::kAbsent);
    zapper.zap_all();
  }
}

TEST_F(ViolationTest, FullChecksSeeAFreedTableByItsDescription) {
  access(9, LeafKind::mmio);
  free_under_the_walker(9, 1);
  EXPECT_EQ(walk(9, LeafKind::mmio), Walked::fault);
  EXPECT_EQ(violations(), 1u);
  EXPECT_NE(vcpu->first_violation().find("freed or reused"), std::string::npos);
}

}  // namespace
}  // namespace shadowwalk
