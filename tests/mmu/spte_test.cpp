#include "harness/mmu/spte.hpp"

#include <gtest/gtest.h>

#include "harness/mmu/fault.hpp"

namespace shadowwalk {
namespace {

constexpr Gfn kLast = MeasuredGeometry::kGfns - 1;

TEST(Spte, LeafIdentifiesItsGfnAndKind) {
  for (const Gfn gfn : {Gfn{0}, Gfn{1}, Gfn{0x12345}, kLast}) {
    EXPECT_TRUE(spte::is_ram_of(spte::ram(gfn, true), gfn));
    EXPECT_TRUE(spte::is_ram_of(spte::ram(gfn, false), gfn));
    EXPECT_TRUE(spte::is_mmio_of(spte::mmio(gfn), gfn));
    EXPECT_FALSE(spte::is_mmio_of(spte::ram(gfn, true), gfn));
    EXPECT_FALSE(spte::is_ram_of(spte::mmio(gfn), gfn));
    EXPECT_FALSE(spte::is_ram_of(spte::ram(gfn ^ 1, true), gfn));
    EXPECT_FALSE(spte::is_mmio_of(spte::mmio(gfn ^ 1), gfn));
  }
}

TEST(Spte, WriteNeedsAWritableLeaf) {
  EXPECT_TRUE(leaf_serves(spte::ram(7, true), 7, LeafKind::ram_write));
  EXPECT_FALSE(leaf_serves(spte::ram(7, false), 7, LeafKind::ram_write));
  EXPECT_TRUE(leaf_serves(spte::ram(7, false), 7, LeafKind::ram_read));
}

// The fast path has no test for these three: they must fail its one comparison for every gfn.
TEST(Spte, PoisonAbsenceAndRestartServeNoAccess) {
  for (const SpteWord word : {spte::kPoison, spte::kAbsent, kRestartWalk}) {
    EXPECT_FALSE(spte::is_present(word));
    EXPECT_FALSE(spte::is_leaf(word));
    for (const Gfn gfn : {Gfn{0}, spte_address(word) >> kPageShift, kLast}) {
      EXPECT_FALSE(leaf_serves(word, gfn, LeafKind::ram_read));
      EXPECT_FALSE(leaf_serves(word, gfn, LeafKind::mmio));
    }
  }
}

}  // namespace
}  // namespace shadowwalk
