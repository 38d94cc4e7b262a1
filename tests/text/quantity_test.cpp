#include "harness/text/quantity.hpp"

#include <gtest/gtest.h>

namespace shadowwalk {
namespace {

TEST(Quantity, HasTheUnitThatSuits) {
  EXPECT_EQ(time_in_words(0), "0.0 ns");
  EXPECT_EQ(time_in_words(8.25), "8.2 ns");
  EXPECT_EQ(time_in_words(999), "999 ns");
  EXPECT_EQ(time_in_words(1000), "1.00 us");
  EXPECT_EQ(time_in_words(37'800), "37.8 us");
  EXPECT_EQ(time_in_words(5e12), "5000 s") << "there is no larger unit";
  EXPECT_EQ(bytes_in_words(216), "216 B");
  EXPECT_EQ(bytes_in_words(40 * 1024), "40.0 KiB");
  EXPECT_EQ(bytes_in_words(3.5 * 1024 * 1024 * 1024), "3.50 GiB");
  EXPECT_EQ(rate_in_words(18.9e6), "18.9 M/s");
  EXPECT_EQ(rate_in_words(1000), "1.00 k/s");
}

}  // namespace
}  // namespace shadowwalk
