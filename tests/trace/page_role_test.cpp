// The words are built from the bit fields of each kernel's union kvm_mmu_page_role.
#include "harness/trace/page_role.hpp"

#include <gmock/gmock.h>

namespace shadowwalk::trace {
namespace {

/// 2.6.32 to 2.6.34: glevels:4, level:4, quadrant:2, pad:6, direct:1, access:3, invalid:1, cr4_pge:1, nxe:1.
constexpr unsigned role_of_2_6_34(unsigned glevels, unsigned level, unsigned quadrant, unsigned direct,
                                  unsigned access) {
  return glevels | level << 4 | quadrant << 8 | direct << 16 | access << 17 | 1u << 21 | 1u << 22;
}

/// 2.6.35 to 4.1: level:4, cr4_pae:1, quadrant:2, pad:6, direct:1, access:3, invalid:1, nxe:1, cr0_wp:1.
constexpr unsigned role_of_3_10(unsigned level, unsigned pae, unsigned quadrant, unsigned direct, unsigned access) {
  return level | pae << 4 | quadrant << 5 | direct << 13 | access << 14 | 1u << 18 | 1u << 19;
}

/// Since 4.2: level:4, cr4_pae:1 (later has_4_byte_gpte), quadrant:2, direct:1, access:3, invalid:1, nxe:1, cr0_wp:1.
constexpr unsigned role_of_4_2(unsigned level, unsigned pae, unsigned quadrant, unsigned direct, unsigned access) {
  return level | pae << 4 | quadrant << 5 | direct << 7 | access << 8 | 1u << 12 | 1u << 13;
}

void expect_role(unsigned word, unsigned level, bool direct) {
  EXPECT_EQ(page_role(word).level, level) << std::hex << word;
  EXPECT_EQ(page_role(word).direct, direct) << std::hex << word;
}

TEST(PageRole, OfEachLayout) {
  for (unsigned level = 1; level <= 4; ++level) {
    expect_role(role_of_2_6_34(0, level, 0, 1, 7), level, true);
    expect_role(role_of_3_10(level, 0, 0, 1, 7), level, true);
    expect_role(role_of_3_10(level, 1, 0, 1, 7), level, true);
    expect_role(role_of_4_2(level, 0, 0, 1, 7), level, true);
    for (unsigned access = 1; access <= 7; ++access) {
      expect_role(role_of_2_6_34(4, level, 0, 0, access), level, false);
      expect_role(role_of_3_10(level, 1, 0, 0, access), level, false);
      expect_role(role_of_4_2(level, 1, 0, 0, access), level, false);
    }
    for (unsigned quadrant = 0; quadrant < 4; ++quadrant) {  // a 32-bit guest
      expect_role(role_of_2_6_34(2, level, quadrant, 0, 7), level, false);
      expect_role(role_of_3_10(level, 0, quadrant, 0, 7), level, false);
      expect_role(role_of_4_2(level, 0, quadrant, 0, 7), level, false);
    }
  }
}

TEST(PageRole, OfWordsThatKernelsPrinted) {
  expect_role(14084, 4, false);  // 6.1, shadow paging
  expect_role(14209, 1, true);
}

}  // namespace
}  // namespace shadowwalk::trace
