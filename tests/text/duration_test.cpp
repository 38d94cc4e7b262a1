#include "harness/text/duration.hpp"

#include <gtest/gtest.h>

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, TakesAUnitAndNothingElse) {
  EXPECT_EQ(parse_duration("2s"), 2s);
  EXPECT_EQ(parse_duration("1.5ms"), 1500us);
  EXPECT_EQ(parse_duration("50us"), 50us);
  EXPECT_EQ(parse_duration("7ns"), 7ns);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("0"), 0ns);
  EXPECT_EQ(parse_duration("86400s"), 24h);
  for (const char* bad : {"", "s", "2", "-1s", "-0s", "2 s", "2sec", "1e3s", "25h", "1441m", "1min", "nans", "infs",
                          "86401s", "1s1", "0x1s"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(ExactDuration, IsTheSameTimeAgain) {
  EXPECT_EQ(exact_duration(0ns), "0");
  EXPECT_EQ(exact_duration(2s), "2s");
  EXPECT_EQ(exact_duration(250ms), "250ms");
  EXPECT_EQ(exact_duration(1500us), "1500us");
  EXPECT_EQ(exact_duration(2min), "120s") << "as plans of earlier versions have it";
  EXPECT_EQ(exact_duration(1'000'001ns), "1000001ns");
  for (const auto time : {0ns, 1ns, 999ns, 1'000ns, 86'400'000'000'000ns}) {
    EXPECT_EQ(parse_duration(exact_duration(time)), time);
  }
}

TEST(FormatDuration, ReadsWell) {
  EXPECT_EQ(format_duration(0s), "0ms");
  EXPECT_EQ(format_duration(850ms), "850ms");
  EXPECT_EQ(format_duration(12400ms), "12s");
  EXPECT_EQ(format_duration(192s), "3m12s");
  EXPECT_EQ(format_duration(3840s), "1h04m");
  EXPECT_EQ(format_duration(-5s), "0ms");
}

}  // namespace
}  // namespace shadowwalk
