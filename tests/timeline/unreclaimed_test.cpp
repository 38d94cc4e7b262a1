#include "harness/timeline/unreclaimed.hpp"

#include <gtest/gtest.h>

namespace shadowwalk::timeline {
namespace {

struct UnreclaimedTest : testing::Test {
  UnreclaimedTest() {
    tracks.push_back(std::make_unique<Track>("zapper-0", 10, 16));
    tracks.push_back(std::make_unique<Track>("reclaim-0", 11, 16));
  }
  void retire(std::uint64_t ticks, std::uint64_t pages) {
    tracks[0]->seldom.append({.ticks = ticks, .a = pages, .probe = Probe::page__retire});
  }
  void free(std::uint64_t ticks, std::uint64_t pages, std::uint32_t length) {
    tracks[1]->seldom.append({.ticks = ticks, .a = pages, .c = length, .probe = Probe::page__free});
  }
  std::vector<Level> levels() const {
    std::vector<std::vector<Record>> records;
    for (const auto& track : tracks) records.push_back(track->seldom.in_order());
    return unreclaimed_pages(tracks, records);
  }

  std::vector<std::unique_ptr<Track>> tracks;
};

TEST_F(UnreclaimedTest, RisesWithTheUnlinksAndFallsWithTheFrees) {
  retire(100, 5);
  free(110, 2, 10);
  retire(115, 1);
  free(130, 4, 0);
  const auto found = levels();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].pages, 5u);
  EXPECT_EQ(found[1].at, 115u);
  EXPECT_EQ(found[1].pages, 6u);
  EXPECT_EQ(found[2].at, 120u) << "a row is free with its last page";
  EXPECT_EQ(found[2].pages, 4u);
  EXPECT_EQ(found[3].pages, 0u);
}

TEST_F(UnreclaimedTest, BeginsWhereAllRecordsAreThere) {
  for (std::uint64_t i = 0; i < 20; ++i) retire(100 + i, 3);
  free(101, 2, 0);
  free(120, 58, 0);
  const auto found = levels();
  ASSERT_EQ(found.size(), 17u);
  EXPECT_EQ(found.front().at, 104u) << "the first four are gone";
  EXPECT_EQ(found.front().pages, 5 * 3 - 2u);
  EXPECT_EQ(found.back().pages, 0u);
}

}  // namespace
}  // namespace shadowwalk::timeline
