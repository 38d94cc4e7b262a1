#include "harness/run/disturbances.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shadowwalk::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

StoredResult result_with(bool noisy, std::vector<std::string> reasons) {
  StoredResult result;
  result.noisy = noisy;
  result.noise_reasons = std::move(reasons);
  return result;
}

TEST(CountDisturbances, TheUsualReasonIsTheMostFrequentOneWithoutItsNumbers) {
  std::map<Measurement, StoredResult> results;
  results[{0, 0}] = result_with(false, {});
  results[{0, 1}] = result_with(true, {"steal"});
  results[{0, 2}] = result_with(true, {"other processes took 0.50 of 2 CPUs", "steal"});
  results[{1, 0}] = result_with(true, {"other processes took 1.25 of 2 CPUs"});
  results[{1, 1}] = result_with(true, {"other processes took 0.75 of 2 CPUs"});
  results[{1, 1}].saturated = results[{1, 1}].oversubscribed = true;
  const Disturbances found = count_disturbances(results, {{{0, 1}, 2}, {{0, 0}, 1}});
  EXPECT_EQ(found.quiet, 1u);
  EXPECT_EQ(found.noisy, 4u);
  EXPECT_EQ(found.saturated, 1u);
  EXPECT_EQ(found.oversubscribed, 1u);
  EXPECT_EQ(found.measured_again, 2u);
  EXPECT_EQ(found.usual_reason, "other processes took 0.50 of 2 CPUs");
}

TEST(DisturbanceSummary, SaysWhatWouldHelp) {
  EXPECT_THAT(disturbance_summary({}, 3, "steal"), ElementsAre()) << "no result";
  EXPECT_THAT(disturbance_summary({.quiet = 7}, 0, ""), ElementsAre("7 quiet, 0 noisy"));
  EXPECT_THAT(disturbance_summary({.quiet = 7, .measured_again = 2}, 0, ""),
              ElementsAre("7 quiet, 0 noisy, 2 measured again"));
  EXPECT_THAT(disturbance_summary({.quiet = 5,
                                   .noisy = 2,
                                   .saturated = 3,
                                   .oversubscribed = 1,
                                   .measured_again = 4,
                                   .usual_reason = "other processes took 0.50 of 2 CPUs"},
                                  6, "steal"),
              ElementsAre("5 quiet, 2 noisy, 4 measured again, 3 saturated, 1 oversubscribed; 6 waits for a quiet host "
                          "were in vain",
                          "it would help to end what disturbs (other processes took 0.50 of 2 CPUs), or raise "
                          "--quiet-wait and --retry-noisy; to lower zap rates; to take fewer vCPUs, or more CPUs"));
  EXPECT_THAT(disturbance_summary({.quiet = 5}, 1, "steal"),
              ElementsAre(HasSubstr("1 wait for a quiet host was in vain"), HasSubstr("(steal)")));
}

}  // namespace
}  // namespace shadowwalk::run
