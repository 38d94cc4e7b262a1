#include "harness/run/plan_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(PlanSummary, NamesGroupsCellsAndTimes) {
  Plan plan = make_plan(parse_matrix(R"(
title = "two groups"
repetitions = 3
[defaults]
workload = "mmio-poll"
warmup = "0"
[[group]]
name = "short"
variant = ["leak", "hazard"]
duration = "900ms"
[[group]]
name = "long"
variant = "leak"
duration = "9900ms"
)",
                                     "m.toml", product_names()),
                        {});
  const std::string text = describe(plan);
  EXPECT_THAT(text, StartsWith("two groups: 3 cells x 3 repetitions, about 36s\n\nshort: 2 cells"));
  EXPECT_THAT(text, HasSubstr("\nshort: 2 cells x 3 repetitions, about 6s\n  leak/mmio-poll/vcpus:1/"));
  EXPECT_THAT(text, HasSubstr("\nlong: 1 cells x 3 repetitions, about 30s\n  leak/mmio-poll/vcpus:1/"));
  EXPECT_THAT(text, Not(HasSubstr("scale")));
  EXPECT_EQ(expected_time(plan), std::chrono::seconds(36)) << "0.1 s per cell are set-up and tear-down";
  plan.scale = VcpuNumbers{.vcpus = {1, 2, 6}, .reserved = 2, .rooms = {}};
  plan.title.clear();
  EXPECT_THAT(describe(plan), StartsWith("m.toml: 3 cells x 3 repetitions"));
  EXPECT_THAT(describe(plan), HasSubstr("vcpus = \"scale\": 1 2 6 here; 2 CPUs at most are reserved"));
}

}  // namespace
}  // namespace shadowwalk::run
