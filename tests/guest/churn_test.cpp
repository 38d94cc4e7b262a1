#include <algorithm>

#include "tests/guest/named_guests.hpp"

namespace shadowwalk {
namespace {

using test::accesses_of;
using test::page_of;

constexpr std::uint64_t kProcessPages = 5;
constexpr std::uint64_t kTouches = 40;
constexpr std::uint32_t kProcesses = 3;
constexpr std::size_t kLife = 2 * (kTouches + kProcessPages);

/// `accesses` are one half of a life in the address space that begins at `first_page`: touches in it, then a write to
/// each page-table entry, in order.
void expect_half_life(std::span<const Access> accesses, std::uint64_t first_page) {
  ASSERT_EQ(accesses.size(), kLife / 2);
  for (const Access access : accesses.first(kTouches)) {
    EXPECT_GE(page_of(access), first_page);
    EXPECT_LT(page_of(access), first_page + kProcessPages);
    EXPECT_NE(access.kind(), AccessKind::page_table_write);
  }
  for (std::uint64_t page = 0; page < kProcessPages; ++page) {
    EXPECT_EQ(accesses[kTouches + page].kind(), AccessKind::page_table_write);
    EXPECT_EQ(page_of(accesses[kTouches + page]), first_page + page);
  }
}

TEST(Churn, ProcessesTouchForkTouchAndExitInTurn) {
  for (const unsigned vcpu : {0u, 1u, 5u}) {
    SCOPED_TRACE(testing::Message() << "vCPU " << vcpu);
    constexpr std::size_t kLives = 7;
    const auto accesses = accesses_of(churn_guest(kProcessPages, kTouches, kProcesses, 30), kLives * kLife, vcpu);
    for (std::size_t life = 0; life < kLives; ++life) {
      SCOPED_TRACE(testing::Message() << "life " << life);
      const std::uint64_t first_page = (vcpu + life) % kProcesses * kProcessPages;
      const auto of_life = std::span(accesses).subspan(life * kLife, kLife);
      expect_half_life(of_life.first(kLife / 2), first_page);
      expect_half_life(of_life.last(kLife / 2), first_page);
    }
  }
}

TEST(Churn, TouchesAreUniformOverTheProcess) {
  std::vector<double> hits(kProcessPages);
  double touches = 0;
  for (const Access access : accesses_of(churn_guest(kProcessPages, kTouches, 1), 200'000)) {
    if (access.kind() == AccessKind::page_table_write) continue;
    hits.at(page_of(access)) += 1;
    touches += 1;
  }
  for (const double count : hits) {
    EXPECT_NEAR(count / touches, 1.0 / kProcessPages,
                test::six_sigma(1.0 / kProcessPages, static_cast<std::size_t>(touches)));
  }
}

TEST(Churn, WithoutTouchesThereAreForksAndExitsOnly) {
  std::uint64_t expected = 0;
  for (const Access access : accesses_of(churn_guest(kProcessPages, 0, kProcesses), 1000)) {
    EXPECT_EQ(access.kind(), AccessKind::page_table_write);
    const std::uint64_t process = expected / (2 * kProcessPages) % kProcesses;
    ASSERT_EQ(page_of(access), process * kProcessPages + expected % kProcessPages);
    ++expected;
  }
}

}  // namespace
}  // namespace shadowwalk
