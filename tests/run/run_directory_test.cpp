#include "harness/run/run_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr const char* kResult = R"({"context": {}, "benchmarks": [{"name": "x"}]})";
const Failure kCrash{.status = "crashed", .reason = "killed by SIGSEGV", .exit_code = -1, .signal = 11, .command = "c"};

Plan small_plan() {
  return make_plan(parse_matrix("repetitions = 3\n[[group]]\nname='g'\nvariant=['good','fail']\nworkload='mmio-poll'\n",
                                "m.toml", fake_names()),
                   {});
}

class RunDirectoryTest : public ::testing::Test {
 protected:
  RunDirectory create() { return RunDirectory::create(out_, small_plan()); }
  void store(RunDirectory& directory, const Measurement& measurement) {
    const auto scratch = directory.prepare_scratch();
    std::ofstream{scratch} << kResult;
    ASSERT_EQ(directory.accept_result(measurement, scratch).kind, Acceptance::Kind::kStored);
  }

  TemporaryDirectory temporary_;
  std::filesystem::path out_ = temporary_ / "a/b/out";
};

TEST_F(RunDirectoryTest, StoresAsTheFormatSays) {
  RunDirectory directory = create();
  store(directory, {1, 2});
  directory.record_failure({0, 1}, kCrash);
  directory.clean();
  EXPECT_THAT(names_in(out_), UnorderedElementsAre("run.json", "cells"));
  EXPECT_THAT(names_in(out_ / "cells"), UnorderedElementsAre("0001-r2.json", "0000-r1.failed.json"));
  EXPECT_EQ(content_of(out_ / "cells/0001-r2.json"), kResult);
  const auto failure = nlohmann::json::parse(content_of(out_ / "cells/0000-r1.failed.json"));
  EXPECT_EQ(failure["id"], 0);
  EXPECT_EQ(failure["repetition"], 1);
  EXPECT_EQ(failure["status"], "crashed");
  EXPECT_EQ(failure["reason"], "killed by SIGSEGV");
  EXPECT_EQ(failure["signal"], 11);
  EXPECT_FALSE(failure.contains("exit_code"));
  EXPECT_EQ(failure["command"], "c");
}

TEST_F(RunDirectoryTest, FindsWhatWasStored) {
  {
    RunDirectory directory = create();
    store(directory, {1, 2});
    directory.record_failure({0, 1}, kCrash);
  }
  const RunDirectory directory = RunDirectory::open(out_);
  EXPECT_EQ(directory.status({1, 2}), Status::kMeasured);
  EXPECT_EQ(directory.status({0, 1}), Status::kFailed);
  EXPECT_EQ(directory.status({0, 0}), Status::kPending);
  EXPECT_EQ(directory.measured(), 1u);
  ASSERT_EQ(directory.failures().size(), 1u);
  EXPECT_EQ(directory.failures().begin()->second.signal, 11);
}

TEST_F(RunDirectoryTest, RemovesWhatAKilledChildLeft) {
  {
    RunDirectory directory = create();
    store(directory, {0, 0});
    directory.record_failure({1, 0}, kCrash);
    std::ofstream{directory.prepare_scratch()} << "{\"bench";
  }
  std::ofstream{out_ / "cells/.shadowwalk-89abcdef01234567.tmp"} << "{";
  std::ofstream{out_ / "cells/0001-r2.json"} << "{\"benchmarks\": [";  // as a crash without our syncs would leave
  std::ofstream{out_ / "cells/0000-r2.failed.json"} << "{";
  std::ofstream{out_ / "cells/0000-r0.failed.json"} << "{}";  // of a try before the one that was measured
  const RunDirectory directory = RunDirectory::open(out_);
  EXPECT_FALSE(std::filesystem::exists(out_ / ".scratch"));
  EXPECT_FALSE(std::filesystem::exists(out_ / "cells/.shadowwalk-89abcdef01234567.tmp"));
  EXPECT_FALSE(std::filesystem::exists(out_ / "cells/0000-r0.failed.json"));
  EXPECT_EQ(directory.status({0, 0}), Status::kMeasured);
  EXPECT_EQ(directory.status({1, 0}), Status::kFailed);
  EXPECT_EQ(directory.status({1, 2}), Status::kPending) << "half a result is none";
  EXPECT_EQ(directory.status({0, 2}), Status::kPending);
}

TEST_F(RunDirectoryTest, AResultReplacesAFailure) {
  RunDirectory directory = create();
  directory.record_failure({0, 0}, kCrash);
  store(directory, {0, 0});
  EXPECT_EQ(directory.status({0, 0}), Status::kMeasured);
  EXPECT_TRUE(directory.failures().empty());
  EXPECT_FALSE(std::filesystem::exists(out_ / "cells/0000-r0.failed.json"));
}

TEST_F(RunDirectoryTest, WritesWhatTheHostIsOnceTheDirectoryIsItsOwn) {
  int observed = 0;
  const auto observe = [&]() -> nlohmann::ordered_json {
    ++observed;
    return {{"cpus", 2}};
  };
  { const RunDirectory directory = RunDirectory::create(out_, small_plan(), observe); }
  EXPECT_EQ(nlohmann::json::parse(content_of(out_ / "run.json"))["host"]["cpus"], 2);
  EXPECT_NO_THROW(RunDirectory::open(out_));
  EXPECT_THAT(complaint([&] { RunDirectory::create(out_, small_plan(), observe); }), HasSubstr("holds a run already"));
  EXPECT_EQ(observed, 1) << "not for a directory that is refused";
}

TEST_F(RunDirectoryTest, RefusesADirectoryThatIsInUse) {
  { const RunDirectory directory = create(); }
  EXPECT_THAT(complaint([&] { create(); }), AllOf(HasSubstr("holds a run already"), HasSubstr("--resume")));
  EXPECT_THAT(complaint([&] { RunDirectory::create(temporary_.path(), small_plan()); }), HasSubstr("is not empty"));
  EXPECT_FALSE(std::filesystem::exists(temporary_ / "cells"));
  EXPECT_THAT(complaint([&] { RunDirectory::open(temporary_.path()); }), HasSubstr("holds no run to resume"));
  EXPECT_THAT(complaint([&] { RunDirectory::open(temporary_ / "none"); }), HasSubstr("holds no run to resume"));
}

TEST_F(RunDirectoryTest, TakesADirectoryWhoseCreationWasCutShort) {
  std::filesystem::create_directories(out_ / "cells");
  std::filesystem::create_directories(out_ / ".scratch");
  std::ofstream{out_ / ".shadowwalk-0123456789abcdef.tmp"} << "{";
  EXPECT_NO_THROW(create());
  EXPECT_THAT(names_in(out_), UnorderedElementsAre("run.json", "cells"));
}

TEST_F(RunDirectoryTest, RefusesADamagedPlan) {
  { const RunDirectory directory = create(); }
  std::ofstream{out_ / "run.json"} << "{";
  EXPECT_THAT(complaint([&] { RunDirectory::open(out_); }), HasSubstr("not the plan of a shadowwalk run"));
}

TEST_F(RunDirectoryTest, WhatIsNoFileIsNoResult) {
  {
    RunDirectory directory = create();
    store(directory, {0, 0});
  }
  ASSERT_EQ(mkfifo((out_ / "cells/0000-r1.json").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((out_ / "cells/0000-r2.failed.json").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", out_ / "cells/0001-r0.json");
  std::filesystem::create_directory(out_ / "cells/0001-r1.json");
  const RunDirectory directory = RunDirectory::open(out_);
  EXPECT_EQ(directory.measured(), 1u);
  EXPECT_TRUE(directory.failures().empty());
}

TEST_F(RunDirectoryTest, WhatIsTooLargeIsNotRead) {
  { const RunDirectory directory = create(); }
  std::filesystem::resize_file(out_ / "run.json", std::uintmax_t{1} << 40);
  EXPECT_THAT(complaint([&] { RunDirectory::open(out_); }), HasSubstr("run.json is larger than 64 MiB"));
}

TEST_F(RunDirectoryTest, AFailureOfOthersIsShownOnOneLine) {
  { const RunDirectory directory = create(); }
  const auto with = [&](const char* more) {
    std::ofstream(out_ / "cells/0000-r0.failed.json")
        << R"({"status": "failed", "reason": "a\u001b[2J\nb")" << more << "}";
    return RunDirectory::open(out_).failures();
  };
  const auto failures = with(R"(, "signal": 9)");
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures.begin()->second.reason, R"(a\x1b[2J\x0ab)");
  EXPECT_EQ(failures.begin()->second.signal, 9);
  const auto crashed = with(R"(, "console": ["a\u001b", "b"])");
  ASSERT_EQ(crashed.size(), 1u);
  EXPECT_THAT(crashed.begin()->second.console, ::testing::ElementsAre(R"(a\x1b)", "b"));
  EXPECT_EQ(failure_from_text(to_text(crashed.begin()->first, crashed.begin()->second))->console,
            crashed.begin()->second.console);
  for (const char* more : {R"(, "console": "a")", R"(, "console": [1])", R"(, "signal": 1e300)", R"(, "signal": true)",
                           R"(, "exit_code": 256)", R"(, "command": 1)"}) {
    EXPECT_TRUE(with(more).empty()) << more;
  }
}

TEST_F(RunDirectoryTest, TwoRunnersCannotShareIt) {
  const RunDirectory directory = create();
  const pid_t other = fork();
  if (other == 0) {
    const std::string said = complaint([&] { RunDirectory::open(out_); });
    // The parent's descriptor is inherited by the fork; opening it anew must still be refused.
    _exit(said.find("another `shadowwalk run` works in") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
}

TEST_F(RunDirectoryTest, LeavesNothingWhenItCannotBeMade) {
  std::ofstream{temporary_ / "file"} << "x";
  EXPECT_THAT(complaint([&] { RunDirectory::create(temporary_ / "file", small_plan()); }),
              AllOf(HasSubstr("cannot make the directory"), HasSubstr("a file is in the way")));
  EXPECT_THAT(complaint([&] { RunDirectory::create(temporary_ / "file/out", small_plan()); }),
              HasSubstr("cannot make the directory"));
  EXPECT_THAT(complaint([&] { RunDirectory::create("/proc/shadowwalk/out", small_plan()); }),
              HasSubstr("cannot make the directory"));
  EXPECT_THAT(names_in(temporary_.path()), UnorderedElementsAre("file"));
}

}  // namespace
}  // namespace shadowwalk::run
