#include "harness/machine/membarrier.hpp"

#include <gtest/gtest.h>

#include "harness/machine/fences.hpp"
#include "tests/machine/litmus.hpp"

namespace shadowwalk {
namespace {

constexpr std::uint64_t kMembarrierRounds = 5'000;

class MembarrierTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = register_membarrier(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(MembarrierTest, RegisteringTwiceIsHarmless) { EXPECT_EQ(register_membarrier(), ""); }

TEST_F(MembarrierTest, OneSideMayDoWithACompilerBarrier) {
  EXPECT_EQ(test::StoreBuffering([] { membarrier_all(); }, [] { signal_fence(); }).both_missed(kMembarrierRounds), 0u);
}

}  // namespace
}  // namespace shadowwalk
