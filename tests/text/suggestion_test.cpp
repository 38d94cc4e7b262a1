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

TEST(Suggestion, ExchangedNeighboursAreOneEdit) {
  const std::vector<std::string> known = {"kvm:kvm_eoi", "kvm:kvm_exit"};
  EXPECT_EQ(suggestion("kvm:kvm_exti", known), ", did you mean 'kvm:kvm_exit'?");
  const std::string* found = nearest("kvm:kvm_exti", known, 1);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, "kvm:kvm_exit");
}

TEST(Suggestion, NearestKeepsToItsEdits) {
  const std::vector<std::string> known = {"cycles", "instructions"};
  EXPECT_EQ(nearest("cyclezz", known, 1), nullptr);
  EXPECT_EQ(nearest("cyclezz", known, 2), &known[0]);
  EXPECT_EQ(nearest("cycles", known, 0), &known[0]);
  EXPECT_EQ(nearest("", known, 2), nullptr);
}

}  // namespace
}  // namespace shadowwalk
