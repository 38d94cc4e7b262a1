#include "harness/machine/line.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace shadowwalk {
namespace {

TEST(Line, IsEmptyAtFirst) {
  const Line<8> line;
  EXPECT_TRUE(line.empty());
  EXPECT_EQ(line.view(), "");
  EXPECT_STREQ(line.c_str(), "");
}

TEST(Line, WritesTextAndNumbers) {
  Line<128> line;
  line << "pages " << std::uint64_t{0} << " of " << std::numeric_limits<std::uint64_t>::max() << ", gfn ";
  line.hex(0xbeef) << ", SPTE ";
  line.hex(0x9015, 16);
  EXPECT_EQ(line.view(), "pages 0 of 18446744073709551615, gfn 0xbeef, SPTE 0x0000000000009015");
}

TEST(Line, CutsOffWhatDoesNotFitAndKeepsItsEnd) {
  Line<8> line;
  line << "123456" << std::uint64_t{789};
  EXPECT_EQ(line.view(), "1234567");
  EXPECT_STREQ(line.c_str(), "1234567");
}

}  // namespace
}  // namespace shadowwalk
