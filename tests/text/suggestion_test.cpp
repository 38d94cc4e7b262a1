#include "harness/text/suggestion.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace shadowwalk {
namespace {

const std::vector<std::string> kKnown = {"uniform", "stride", "zipf"};

TEST(Suggestion, NamesTheNearestWord) {
  EXPECT_EQ(suggestion("stirde", kKnown), ", did you mean 'stride'?");
  EXPECT_EQ(suggestion("unifrom", kKnown), ", did you mean 'uniform'?");
}

TEST(Suggestion, IsSilentWhenNothingIsNear) {
  EXPECT_EQ(suggestion("bananas", kKnown), ";");
  EXPECT_EQ(suggestion(std::string(1000, 'z'), kKnown), ";");
  EXPECT_EQ(suggestion("zipf", {}), ";");
}

}  // namespace
}  // namespace shadowwalk
