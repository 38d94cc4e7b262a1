#include "harness/measure/window.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace shadowwalk {
namespace {

TEST(WindowTest, HoldsItsStartAndNotItsEnd) {
  Window window;
  window.set(100, 200);
  EXPECT_EQ(window.start(), 100u);
  EXPECT_EQ(window.end(), 200u);
  EXPECT_FALSE(window.contains(0));
  EXPECT_FALSE(window.contains(99));
  EXPECT_TRUE(window.contains(100));
  EXPECT_TRUE(window.contains(199));
  EXPECT_FALSE(window.contains(200));
  EXPECT_FALSE(window.contains(std::numeric_limits<std::uint64_t>::max()));
}

TEST(WindowTest, PartsAreEqualAndTheLastOneHasTheEnd) {
  Window window;
  window.set(1000, 1512);  // two ticks a part
  EXPECT_EQ(window.part_of(1000, 256), 0u);
  EXPECT_EQ(window.part_of(1001, 256), 0u);
  EXPECT_EQ(window.part_of(1002, 256), 1u);
  EXPECT_EQ(window.part_of(1511, 256), 255u);
  EXPECT_EQ(window.part_of(1512, 256), 255u);
  window.set(0, std::uint64_t{1} << 55);
  EXPECT_EQ(window.part_of((std::uint64_t{1} << 55) - 1, 256), 255u);  // the product does not wrap around
}

TEST(WindowTest, NothingCountsUntilItIsSet) {
  const Window window;
  for (const std::uint64_t ticks : {std::uint64_t{0}, std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_FALSE(window.contains(ticks)) << ticks;
  }
}

}  // namespace
}  // namespace shadowwalk
