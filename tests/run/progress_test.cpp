#include "harness/run/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// What `action` prints to a stream.
template <typename Action>
std::string printed(Action action) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  action(out);
  std::fclose(out);
  std::string result{text, size};
  std::free(text);
  return result;
}

const PlannedCell kCell{.id = 0, .group = "g", .name = "leak/mmio-poll/vcpus:1", .request = {}};
const Failure kFailure{.status = "refused", .reason = "no memory", .exit_code = 2, .signal = 0, .command = ""};

TEST(Eta, AddsTheOverheadOfACell) {
  EXPECT_EQ(estimate_remaining(10, 10s, 15s, 4, 8s), 10s);
  EXPECT_EQ(estimate_remaining(10, 10s, 9s, 4, 8s), 8s) << "no negative overhead";
  EXPECT_EQ(estimate_remaining(0, 0s, 0s, 10, 8s), 9s) << "a guess before the first";
}

TEST(Progress, PlainLinesWhenNotOnATerminal) {
  const std::string text = printed([](std::FILE* out) {
    Progress progress{{.out = out, .terminal = false, .width = 80}, 120, 16, 0};
    progress.started(kCell, {0, 2}, 10s, 5);
    progress.measured(kCell, {0, 2}, 850ms);
    progress.failed(kCell, {0, 3}, 100ms, kFailure, false);
  });
  EXPECT_EQ(text,
            "[ 17/120] leak/mmio-poll/vcpus:1 r2: measured in 850ms\n"
            "[ 18/120] leak/mmio-poll/vcpus:1 r3: refused: no memory\n");
}

TEST(Progress, NoiseIsToldWhereItIs) {
  const std::string text = printed([](std::FILE* out) {
    Progress progress{{.out = out, .terminal = false, .width = 80}, 120, 16, 0};
    progress.set_aside(kCell, {0, 2}, 800ms, "steal");
    progress.measured(kCell, {0, 2}, 850ms, "other load");
  });
  EXPECT_EQ(text,
            "[ 17/120] leak/mmio-poll/vcpus:1 r2: noisy after 800ms, is measured again: steal\n"
            "[ 17/120] leak/mmio-poll/vcpus:1 r2: measured in 850ms, noisy: other load\n");
}

TEST(PrecisionSummary, CountsWhatWasAdded) {
  Plan plan;
  plan.order.resize(10);
  EXPECT_EQ(precision_summary(plan, 0), "added for precision: 0 measurements in 0 rounds; all settings are precise\n");
  plan.rounds = {4, 8};
  EXPECT_EQ(precision_summary(plan, 1),
            "added for precision: 6 measurements in 2 rounds; 1 setting is still wider: raise --time-budget\n");
}

TEST(Progress, OneRewrittenLineOnATerminal) {
  const std::string text = printed([](std::FILE* out) {
    Progress progress{{.out = out, .terminal = true, .width = 80}, 240, 16, 2};
    progress.started(kCell, {0, 2}, 3min, 40);
    progress.measured(kCell, {0, 2}, 850ms);
  });
  EXPECT_EQ(text, "\r\x1b[K[ 17/240]  6%  leak/mmio-poll/vcpus:1 r2  ETA 3m04s  2 failed\n");
}

TEST(Progress, NeverWrapsTheTerminal) {
  PlannedCell cell = kCell;
  cell.name = std::string(200, 'x');
  const std::string text = printed([&](std::FILE* out) {
    Progress progress{{.out = out, .terminal = true, .width = 60}, 240, 16, 2};
    progress.started(cell, {0, 2}, 3min, 40);
  });
  EXPECT_THAT(text, EndsWith("  ETA 3m04s  2 failed\n"));
  EXPECT_LT(text.size() - std::string{"\r\x1b[K\n"}.size(), 60u);
}

TEST(Progress, AFailureStaysOnTheTerminal) {
  const std::string text = printed([](std::FILE* out) {
    Progress progress{{.out = out, .terminal = true, .width = 80}, 2, 0, 0};
    progress.started(kCell, {0, 0}, 1s, 2);
    progress.failed(kCell, {0, 0}, 1s, kFailure, false);
    progress.started(kCell, {0, 1}, 1s, 1);
  });
  EXPECT_THAT(text, AllOf(HasSubstr("r0: refused: no memory\n"), HasSubstr("1 failed"), EndsWith("\n")));
}

TEST(Summary, CountsAndGroupsFailures) {
  const TemporaryDirectory temporary;
  const Matrix matrix = parse_matrix(
      "repetitions = 2\n[[group]]\nname='g'\nvariant=['good','fail']\nworkload='mmio-poll'\n", "m.toml", fake_names());
  RunDirectory directory = RunDirectory::create(temporary / "out", make_plan(matrix, {}));
  EXPECT_THAT(summary(directory), AllOf(StartsWith("0 of 4 measured, 4 not yet run: "), HasSubstr("--resume")));
  std::ofstream{directory.prepare_scratch()} << R"({"benchmarks": [{}]})";
  ASSERT_EQ(directory.accept_result({0, 0}, temporary / "out/.scratch/result.json").kind, Acceptance::Kind::kStored);
  ASSERT_NO_THROW(directory.record_failure({1, 0}, kFailure));
  ASSERT_NO_THROW(directory.record_failure({1, 1}, kFailure));
  ASSERT_NO_THROW(directory.record_failure(
      {0, 1}, {.status = "crashed", .reason = "killed by SIGSEGV", .exit_code = -1, .signal = 11, .command = ""}));
  const std::string text = summary(directory);
  EXPECT_THAT(text,
              AllOf(StartsWith("1 of 4 measured, 3 failed: "), HasSubstr("  2 x refused: no memory (first: fail/"),
                    HasSubstr("  1 x crashed: killed by SIGSEGV (first: good/"), HasSubstr("--retry-failed"),
                    HasSubstr("report: shadowwalk report ")));
  EXPECT_THAT(text, Not(HasSubstr("continue:")));
}

}  // namespace
}  // namespace shadowwalk::run
