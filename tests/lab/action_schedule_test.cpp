#include "harness/lab/action_schedule.hpp"

#include <gtest/gtest.h>

#include <map>

namespace shadowwalk {
namespace {

TEST(ActionSchedule, EachAsOftenAsItsWeight) {
  const std::vector<HostAction> actions = {
      {.weight = 240, .level = 1}, {.weight = 15, .level = 2}, {.weight = 1, .level = 3}};
  ActionSchedule schedule(actions);
  for (int round = 0; round < 3; ++round) {
    std::map<int, int> beats;
    for (int i = 0; i < 256; ++i) ++beats[schedule.next().level];
    EXPECT_EQ(beats, (std::map<int, int>{{1, 240}, {2, 15}, {3, 1}}));
  }
}

TEST(ActionSchedule, SpreadsEvenly) {
  const std::vector<HostAction> actions = {{.weight = 3, .level = 1}, {.weight = 1, .level = 2}};
  ActionSchedule schedule(actions);
  std::string levels;
  for (int i = 0; i < 8; ++i) levels += static_cast<char>('0' + schedule.next().level);
  EXPECT_EQ(levels, "11211121");
}

}  // namespace
}  // namespace shadowwalk
