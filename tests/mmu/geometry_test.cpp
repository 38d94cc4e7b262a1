#include "harness/mmu/geometry.hpp"

#include <gtest/gtest.h>

namespace shadowwalk {
namespace {

TEST(Geometry, MeasuredWindowIs48BitsOfAddress) { EXPECT_EQ(MeasuredGeometry::kGfns << kPageShift, 1ull << 48); }

TEST(Geometry, IndicesTakeTheGfnApart) {
  const Gfn gfn = (3ull << 27) | (5ull << 18) | (7ull << 9) | 11;
  EXPECT_EQ(MeasuredGeometry::index(gfn, 4), 3u);
  EXPECT_EQ(MeasuredGeometry::index(gfn, 3), 5u);
  EXPECT_EQ(MeasuredGeometry::index(gfn, 2), 7u);
  EXPECT_EQ(MeasuredGeometry::index(gfn, 1), 11u);
}

TEST(Geometry, BaseIsTheFirstGfnOfTheTable) {
  EXPECT_EQ(MeasuredGeometry::base(0x12345, 1), 0x12200u);
  EXPECT_EQ(MeasuredGeometry::base(0x12345, 2), 0u);
  EXPECT_EQ(VerifiedGeometry::base(3, 1), 2u);
  EXPECT_EQ(VerifiedGeometry::kGfns, 4u);
}

}  // namespace
}  // namespace shadowwalk
