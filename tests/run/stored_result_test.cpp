#include "harness/run/stored_result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/files.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(StoredResultTest, TellsResultsFromWhatIsNone) {
  const auto problem = [](std::string_view text) { return read_result(text).problem; };
  EXPECT_EQ(problem(R"({"context": {}, "benchmarks": [{"name": "x"}]})"), "");
  EXPECT_EQ(problem(R"({"benchmarks": [{"error_occurred": false}]})"), "");
  EXPECT_EQ(problem(""), "its result is not valid JSON");
  EXPECT_EQ(problem("{\"benchmarks\": ["), "its result is not valid JSON");
  EXPECT_EQ(problem(std::string(1'000'000, '[')), "its result is not valid JSON");
  EXPECT_EQ(problem("[]"), "its result has no benchmarks");
  EXPECT_EQ(problem("{}"), "its result has no benchmarks");
  EXPECT_EQ(problem(R"({"benchmarks": {}})"), "its result has no benchmarks");
  EXPECT_EQ(problem(R"({"benchmarks": []})"), "its result holds no entry");
  EXPECT_EQ(problem(R"({"benchmarks": [3]})"), "its result holds an entry that is no object");
  EXPECT_EQ(problem(R"({"benchmarks": [{}, {"error_occurred": true, "error_message": "why"}]})"), "why");
  EXPECT_EQ(problem(R"({"benchmarks": [{"error_occurred": true}]})"), "its entry is in error");
  EXPECT_THAT(read_result_file("/none").problem, HasSubstr("/none"));
}

TEST(StoredResultTest, FlagsReasonsAndCounters) {
  const StoredResult quiet = read_result(R"({"benchmarks": [{"walk_ns_mean": 8.5, "walks_per_second": 3,
      "violations": 0, "shadowwalk": {"flags": ["preempted"], "noise": {"reasons": []}}}]})");
  EXPECT_FALSE(quiet.noisy || quiet.saturated || quiet.oversubscribed || quiet.has_violations);
  EXPECT_THAT(quiet.counters, UnorderedElementsAre(Pair("walk_ns_mean", 8.5), Pair("walks_per_second", 3)));

  const StoredResult noisy = read_result(R"({"benchmarks": [{"violations": 2, "shadowwalk": {
      "flags": ["saturated", "oversubscribed", "noisy"], "noise": {"reasons": ["other load", "steal\u001b[2J"]}}}]})");
  EXPECT_TRUE(noisy.noisy && noisy.saturated && noisy.oversubscribed && noisy.has_violations);
  EXPECT_THAT(noisy.noise_reasons, ElementsAre("other load", R"(steal\x1b[2J)"));
  EXPECT_THAT(noisy.counters, IsEmpty());
}

TEST(StoredResultTest, ValuesOfOtherTypesAreNone) {
  for (const char* odd : {R"("shadowwalk": 1)", R"("shadowwalk": {"flags": "noisy", "noise": []})",
                          R"("shadowwalk": {"flags": [1, null, ["noisy"]], "noise": {"reasons": [1, "r", {}]}})",
                          R"("violations": "2", "walk_ns_mean": null)"}) {
    const StoredResult result = read_result(std::string(R"({"benchmarks": [{)") + odd + "}]}");
    EXPECT_TRUE(result.is_result()) << odd;
    EXPECT_FALSE(result.has_violations || result.saturated) << odd;
    EXPECT_THAT(result.counters, IsEmpty()) << odd;
  }
}

}  // namespace
}  // namespace shadowwalk::run
