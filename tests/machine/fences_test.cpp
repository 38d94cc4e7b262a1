#include "harness/machine/fences.hpp"

#include <gtest/gtest.h>

#include "tests/machine/litmus.hpp"

namespace shadowwalk {
namespace {

using test::StoreBuffering;

constexpr std::uint64_t kFenceRounds = 30'000;

/// How often a fence that holds nothing back lets both sides miss: tells whether the litmus could have failed here.
std::uint64_t missed_without_fence() {
  static const std::uint64_t missed =
      StoreBuffering([] { signal_fence(); }, [] { signal_fence(); }).both_missed(kFenceRounds);
  return missed;
}

TEST(FencesTest, FullFenceForbidsStoreBuffering) {
  EXPECT_EQ(StoreBuffering([] { full_fence(); }, [] { full_fence(); }).both_missed(kFenceRounds), 0u);
  RecordProperty("missed_without_fence", static_cast<int>(missed_without_fence()));
}

TEST(FencesTest, MfenceForbidsStoreBuffering) {
  EXPECT_EQ(StoreBuffering([] { mfence(); }, [] { mfence(); }).both_missed(kFenceRounds), 0u);
  RecordProperty("missed_without_fence", static_cast<int>(missed_without_fence()));
}

TEST(FencesTest, FencesPair) {
  EXPECT_EQ(StoreBuffering([] { full_fence(); }, [] { mfence(); }).both_missed(kFenceRounds), 0u);
}

TEST(FencesTest, AtomicWithFenceBesideItIsAFullBarrier) {
  std::atomic<unsigned> one{0};
  std::atomic<unsigned> two{0};
  const auto barrier = [](std::atomic<unsigned>& word) {
    full_fence_beside_atomic();
    word.fetch_add(1, std::memory_order_relaxed);
    full_fence_beside_atomic();
  };
  EXPECT_EQ(StoreBuffering([&] { barrier(one); }, [&] { barrier(two); }).both_missed(kFenceRounds), 0u);
}

}  // namespace
}  // namespace shadowwalk
