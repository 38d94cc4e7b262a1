#include "harness/run/vcpu_scale.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shadowwalk::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr unsigned kMostVcpus = 1024;

std::vector<unsigned> numbers(std::string_view text, const VcpuRoom& room) {
  return resolve(parse_vcpu_scale(text, kMostVcpus).value(), room, kMostVcpus);
}

TEST(VcpuScale, GoesFromOneToAll) {
  EXPECT_THAT(numbers("scale", {.llc = 1, .package = 1, .all = 1}), ElementsAre(1));
  EXPECT_THAT(numbers("scale", {.llc = 2, .package = 2, .all = 2}), ElementsAre(1, 2));
  EXPECT_THAT(numbers("scale", {.llc = 3, .package = 3, .all = 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers("scale", {.llc = 6, .package = 6, .all = 6}), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(numbers("scale", {.llc = 14, .package = 14, .all = 30}), ElementsAre(1, 2, 4, 14, 30));
  EXPECT_THAT(numbers("scale", {.llc = 8, .package = 62, .all = 126}), ElementsAre(1, 2, 4, 8, 62, 126));
  EXPECT_THAT(numbers("scale", {.llc = 3, .package = 3, .all = 9}), ElementsAre(1, 2, 3, 4, 9)) << "ascending";
  EXPECT_THAT(numbers("scale", {.llc = 8, .package = 1000, .all = 2000}), ElementsAre(1, 2, 4, 8, 1000, 1024));
}

TEST(VcpuScale, APartOfIt) {
  const VcpuRoom room{.llc = 8, .package = 62, .all = 126};
  EXPECT_THAT(numbers("scale:1,max", room), ElementsAre(1, 126));
  EXPECT_THAT(numbers("scale:max,1", room), ElementsAre(1, 126));
  EXPECT_THAT(numbers("scale:llc,socket", room), ElementsAre(8, 62));
  EXPECT_THAT(numbers("scale:8,llc", room), ElementsAre(8)) << "each once";
  EXPECT_THAT(numbers("scale:3,1000,16", room), ElementsAre(3, 16)) << "what has room";
  EXPECT_THAT(numbers("scale:127", room), IsEmpty());
}

TEST(VcpuScale, OtherTextsAreNone) {
  for (const char* text : {"",           "scal",          "Scale",      "scales",    "scale ",
                           "scale:",     "scale:,",       "scale:1,",   "scale:,1",  "scale:0",
                           "scale:1025", "scale:-1",      "scale:+1",   "scale:1.5", "scale:1, 2",
                           "scale:1,1",  "scale:max,max", "scale:numa", "scale:1;2", "scale:99999999999999999999"}) {
    EXPECT_FALSE(parse_vcpu_scale(text, kMostVcpus)) << "'" << text << "'";
  }
}

TEST(VcpuScale, AZapperNeedsAReclaimer) {
  EXPECT_EQ(reserved_cpus(0), 0u);
  EXPECT_EQ(reserved_cpus(1), 2u);
  EXPECT_EQ(reserved_cpus(4), 5u);
}

}  // namespace
}  // namespace shadowwalk::run
