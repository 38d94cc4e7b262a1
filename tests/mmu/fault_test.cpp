#include "harness/mmu/fault.hpp"

#include "tests/mmu/mmu_fixture.hpp"

namespace shadowwalk {
namespace {

// --- The page quota

using QuotaTest = MmuFixture<Unsafe>;

TEST_F(QuotaTest, NoneByDefault) {
  for (Gfn gfn = 0; gfn < 100 * 512; gfn += 512) access(gfn, LeafKind::ram_read);
  EXPECT_EQ(vcpu->counts().quota_zaps, 0u);
  EXPECT_EQ(tree.used_pages(), 103u);
}

TEST_F(QuotaTest, FaultsRecycleTheOldestInLumps) {
  tree.set_quota(kSmallestQuota);
  std::uint64_t faults = 0;
  for (Gfn gfn = 0; gfn < 300 * 512; gfn += 512) {
    access(gfn, LeafKind::ram_read);
    ++faults;
    ASSERT_LE(tree.used_pages(), kSmallestQuota);
    ASSERT_NE(leaf(gfn), spte::kAbsent) << "what the fault built stays";
  }
  EXPECT_EQ(leaf(0), spte::kAbsent) << "the oldest went";
  EXPECT_GT(vcpu->counts().quota_zaps, 0u);
  EXPECT_LT(vcpu->counts().quota_zaps, faults / 10) << "each time it makes room for several faults";
}

TEST_F(QuotaTest, TheRootInUseStays) {
  tree.set_quota(kMinFreePages);  // so small that every fault recycles all that it may
  access(0, LeafKind::ram_read);
  access(512, LeafKind::ram_read);
  EXPECT_EQ(leaf(0), spte::kAbsent);
  EXPECT_NE(leaf(512), spte::kAbsent);
  EXPECT_EQ(vcpu->counts().violations, 0u);
}

// --- Page-table writes

constexpr Gfn kTable = 512;  // gfns of a level-1 table

class WriteFloodingTest : public MmuFixture<Unsafe> {
 protected:
  WriteFloodingTest() {
    for (Gfn table = 0; table < 8; ++table) {
      access(table * kTable, LeafKind::ram_read);
      access(table * kTable + 1, LeafKind::ram_read);
    }
  }
  const WalkCounts& counts() const { return vcpu->counts(); }
};

TEST_F(WriteFloodingTest, ALevel1WriteDropsItsEntryOnly) {
  const std::size_t before = tree.used_pages();
  for (int i = 0; i < 10; ++i) vcpu->page_table_write(1);
  EXPECT_EQ(leaf(1), spte::kAbsent);
  EXPECT_NE(leaf(0), spte::kAbsent);
  EXPECT_EQ(tree.used_pages(), before) << "level 1 is out of sync, never flooded";
  EXPECT_EQ(counts().page_table_writes, 1u) << "the others found nothing to drop";
}

TEST_F(WriteFloodingTest, ALevel2WriteZapsTheTableThatItPointedTo) {
  const std::size_t before = tree.used_pages();
  vcpu->page_table_write(kTable);
  EXPECT_EQ(tree.used_pages(), before - 1);
  EXPECT_EQ(leaf(kTable + 1), spte::kAbsent);
  EXPECT_NE(leaf(0), spte::kAbsent);
  EXPECT_EQ(counts().flood_zaps, 0u);
}

TEST_F(WriteFloodingTest, TheThirdLevel2WriteInARowZapsAll) {
  for (unsigned i = 0; i < kWriteFlood; ++i) vcpu->page_table_write(i * kTable);
  EXPECT_EQ(counts().flood_zaps, 1u);
  EXPECT_EQ(leaf(7 * kTable), spte::kAbsent);
  EXPECT_EQ(tree.used_pages(), 2u) << "root and level 3";
  vcpu->page_table_write(0);
  EXPECT_EQ(counts().page_table_writes, kWriteFlood) << "there is no shadow any more";
}

TEST_F(WriteFloodingTest, AFaultInBetweenSaysThatItIsInUse) {
  for (Gfn table = 0; table < 8; ++table) {
    vcpu->page_table_write(table * kTable);
    access(table * kTable, LeafKind::ram_read);
  }
  EXPECT_EQ(counts().page_table_writes, 8u);
  EXPECT_EQ(counts().flood_zaps, 0u);
}

TEST_F(WriteFloodingTest, UnshadowedTablesAreNobodysBusiness) {
  vcpu->page_table_write(Gfn{1} << 30);
  EXPECT_EQ(counts().page_table_writes, 0u);
}

}  // namespace
}  // namespace shadowwalk
