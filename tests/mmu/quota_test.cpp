#include "harness/mmu/quota.hpp"

#include "tests/mmu/mmu_fixture.hpp"

namespace shadowwalk {
namespace {

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

}  // namespace
}  // namespace shadowwalk
