#include "harness/run/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <thread>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    settings_.program = FAKE_CELL;
    settings_.prefix = {"fake_cell", temporary_ / "log"};
    settings_.progress = {.out = sink_, .terminal = false, .width = 80};
    settings_.quiet_wait = 0s;
    settings_.watchdog = {.factor = 1, .slack = 120s};  // a busy host must not turn other ends into this one
  }
  ~RunnerTest() override { std::fclose(sink_); }

  static Plan plan_for(const std::string& variants, int repetitions, const std::string& more = "") {
    const std::string text =
        "[defaults]\nduration='1ms'\nwarmup='0'\n[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=[" + variants +
        "]\n" + more;
    return make_plan(parse_matrix(text, "m.toml", fake_names()), {.repetitions = repetitions, .seed = 1, .filter = ""});
  }

  void run(RunDirectory& directory) {
    os::Interrupt interrupt;
    run_measurements(directory, settings_, interrupt);
  }

  /// What the runner records for a cell that ends as `variant` does.
  Failure failure_of(const std::string& variant) {
    RunDirectory directory = RunDirectory::create(temporary_ / variant, plan_for("'" + variant + "'", 1));
    run(directory);
    EXPECT_THAT(directory.failures(), SizeIs(1));
    return directory.failures().empty() ? Failure{} : directory.failures().begin()->second;
  }

  std::vector<std::string> starts() const {
    std::istringstream log{content_of(temporary_ / "log")};
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) lines.push_back(line.substr(0, line.find(' ')));
    return lines;
  }

  TemporaryDirectory temporary_;
  std::FILE* sink_ = std::fopen("/dev/null", "w");
  RunnerSettings settings_;
};

TEST_F(RunnerTest, TellsOfEachMeasurementBeforeItStarts) {
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'good','crash'", 2));
  std::vector<Measurement> told;
  settings_.on_start = [&](const PlannedCell& cell, const Measurement& measurement, std::size_t number,
                           std::chrono::nanoseconds left) {
    told.push_back(measurement);
    EXPECT_EQ(cell.id, measurement.cell);
    EXPECT_EQ(number, told.size());
    EXPECT_GE(left, (5 - number) * 1ms) << "the measuring time that is left, at least";
    EXPECT_EQ(starts().size(), number - 1) << "not yet";
  };
  run(directory);
  EXPECT_EQ(told, directory.plan().order);
}

TEST_F(RunnerTest, StoresEveryResultAndGoesOnAfterEveryKindOfFailure) {
  RunDirectory directory =
      RunDirectory::create(temporary_ / "out", plan_for("'good','crash','fail','refuse','garbage','flood'", 2));
  run(directory);
  EXPECT_EQ(directory.measured(), 2u);
  EXPECT_THAT(directory.failures(), SizeIs(10));
  EXPECT_THAT(names_in(temporary_ / "out"), UnorderedElementsAre("run.json", "cells"));
  EXPECT_THAT(names_in(temporary_ / "out/cells"), SizeIs(12));
  EXPECT_THAT(starts(), SizeIs(12));
}

TEST_F(RunnerTest, RecordsWhyACellFailed) {
  const Failure crash = failure_of("crash");
  EXPECT_EQ(crash.status, "crashed");
  EXPECT_EQ(crash.reason, "killed by SIGSEGV; its last words: about to crash");
  EXPECT_EQ(crash.signal, SIGSEGV);
  const Failure fail = failure_of("fail");
  EXPECT_EQ(fail.status, "failed");
  EXPECT_EQ(fail.reason, "pool exhausted") << "the message of the result says more than stderr";
  EXPECT_EQ(fail.exit_code, 1);
  EXPECT_EQ(failure_of("fail-silently").reason, "exit code 1 without a word");
  const Failure refused = failure_of("refuse");
  EXPECT_EQ(refused.status, "refused");
  EXPECT_EQ(refused.reason, "leak would need 12 GiB");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.command, HasSubstr("--variant refuse --workload mmio-poll --duration 1ms --warmup 0 --json -"));
  EXPECT_EQ(failure_of("garbage").reason, "its result is not valid JSON");
  EXPECT_EQ(failure_of("empty").reason, "its result holds no entry");
  EXPECT_EQ(failure_of("error-but-0").reason, "guest lied");
  EXPECT_EQ(failure_of("no-result").reason, "it ended without a result");
  EXPECT_EQ(failure_of("flood").reason, "last words of the flood");
}

TEST_F(RunnerTest, GoesOnAfterACellThatHangs) {
  settings_.watchdog.slack = 200ms;
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'hang'", 2));
  run(directory);
  ASSERT_THAT(directory.failures(), SizeIs(2));
  for (const auto& [measurement, failure] : directory.failures()) {
    EXPECT_EQ(failure.status, "watchdog");
    EXPECT_THAT(failure.reason, StartsWith("no result after 201ms, killed"));
    EXPECT_EQ(failure.signal, SIGKILL);
  }
  EXPECT_THAT(names_in(temporary_ / "out"), UnorderedElementsAre("run.json", "cells"));
}

TEST_F(RunnerTest, ANoisyCellIsMeasuredAgainAndTheQuietOrTheLastResultCounts) {
  {
    RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'noisy','noisy-once','good'", 1));
    run(directory);
    EXPECT_EQ(directory.measured(), 3u);
  }
  EXPECT_THAT(names_in(temporary_ / "out/cells"),
              UnorderedElementsAre("0000-r0.json", "0000-r0.noisy-1.json", "0000-r0.noisy-2.json", "0001-r0.json",
                                   "0001-r0.noisy-1.json", "0002-r0.json"));
  EXPECT_THAT(starts(), SizeIs(6));
  const Disturbances found = RunDirectory::open(temporary_ / "out").disturbances();
  EXPECT_EQ(found.quiet, 2u);
  EXPECT_EQ(found.noisy, 1u);
  EXPECT_EQ(found.measured_again, 2u);
  EXPECT_EQ(found.usual_reason, "other processes took 0.50 of 2 CPUs");
}

TEST_F(RunnerTest, UntimedCellsWaitForNoQuietHost) {
  const pid_t load = fork();
  if (load == 0) {
    const auto spin = [] {
      for (std::atomic<int> turns{0};;) ++turns;
    };
    for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) std::thread(spin).detach();
    spin();
  }
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'good'", 3));
  settings_.quiet_wait = 3s;
  settings_.is_untimed = [](const PlannedCell&) { return true; };
  os::Interrupt interrupt;
  EXPECT_EQ(run_measurements(directory, settings_, interrupt).waits_in_vain, 0u);
  kill(load, SIGKILL);
  waitpid(load, nullptr, 0);
  EXPECT_EQ(directory.measured(), 3u);
}

TEST_F(RunnerTest, ANoisyCellIsMeasuredAgainAtOnce) {
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'noisy','good'", 4));
  run(directory);
  const std::vector<std::string> all = starts();
  ASSERT_THAT(all, SizeIs(16));
  for (auto at = all.begin(); (at = std::find(at, all.end(), "noisy")) != all.end(); at += 3) {
    ASSERT_LE(at + 3, all.end());
    EXPECT_EQ(std::count(at, at + 3, "noisy"), 3) << "three in a row";
  }
}

TEST_F(RunnerTest, WithoutRetriesANoisyResultCountsAtOnce) {
  settings_.retry_noisy = 0;
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'noisy'", 2));
  run(directory);
  EXPECT_THAT(starts(), SizeIs(2));
  EXPECT_THAT(names_in(temporary_ / "out/cells"), UnorderedElementsAre("0000-r0.json", "0000-r1.json"));
}

TEST_F(RunnerTest, NoRetryHidesAViolation) {
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'noisy-violation'", 1));
  run(directory);
  EXPECT_THAT(starts(), SizeIs(1));
  EXPECT_THAT(content_of(temporary_ / "out/cells/0000-r0.json"), HasSubstr(R"("violations": 1)"));
}

TEST_F(RunnerTest, NoNoisyResultHidesThatTheRetryCrashed) {
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'noisy-then-crash'", 1));
  run(directory);
  EXPECT_EQ(directory.measured(), 0u);
  EXPECT_THAT(directory.failures(), SizeIs(1));
  EXPECT_THAT(names_in(temporary_ / "out/cells"), UnorderedElementsAre("0000-r0.noisy-1.json", "0000-r0.failed.json"));
}

TEST_F(RunnerTest, ResumeCountsTheRetriesOfBefore) {
  { RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'noisy'", 1)); }
  std::ofstream{temporary_ / "out/cells/0000-r0.noisy-1.json"} << R"({"benchmarks": [{}]})";  // and then it was killed
  RunDirectory directory = RunDirectory::open(temporary_ / "out");
  EXPECT_EQ(directory.status({0, 0}), Status::kPending) << "what was set aside is no result";
  run(directory);
  EXPECT_THAT(starts(), SizeIs(2));
  EXPECT_THAT(names_in(temporary_ / "out/cells"),
              UnorderedElementsAre("0000-r0.json", "0000-r0.noisy-1.json", "0000-r0.noisy-2.json"));
}

TEST_F(RunnerTest, ATimeBudgetAddsRoundsUntilAllIsPrecise) {
  settings_.goal = {.budget = 10h, .precision = 0.05};
  const std::string steady_group = "[[group]]\nname='h'\nworkload='mmio-poll'\nvariant=['steady','steady-too']\n";
  Plan plan;
  {
    RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'steady','spread'", 3, steady_group));
    run(directory);
    plan = directory.plan();
    EXPECT_EQ(directory.measured(), plan.order.size());
    EXPECT_THAT(imprecise_settings(plan, directory.results(), 0.05), IsEmpty());
  }
  ASSERT_THAT(plan.rounds, Not(IsEmpty()));
  EXPECT_EQ(plan.rounds.front(), 4u * 3u) << "behind the matrix's own repetitions";
  for (std::size_t i = plan.rounds.front(); i < plan.order.size(); i += 2) {
    EXPECT_EQ(plan.order[i].repetition, plan.order[i + 1].repetition) << "pairs stay pairs";
    EXPECT_LT(std::max(plan.order[i].cell, plan.order[i + 1].cell), 2) << "the other setting was precise";
  }
  EXPECT_EQ(starts().size(), plan.order.size());
  RunDirectory again = RunDirectory::open(temporary_ / "out");
  EXPECT_EQ(again.plan().rounds, plan.rounds);
  EXPECT_EQ(again.plan().order, plan.order);
  run(again);
  EXPECT_EQ(starts().size(), plan.order.size()) << "all is precise already";
}

TEST_F(RunnerTest, ABudgetThatIsUsedUpAddsNothing) {
  settings_.goal = {.budget = 1ns, .precision = 0.001};
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'steady','spread'", 3));
  os::Interrupt interrupt;
  EXPECT_EQ(run_measurements(directory, settings_, interrupt).imprecise, 1u);
  EXPECT_THAT(directory.plan().rounds, IsEmpty());
  EXPECT_THAT(starts(), SizeIs(6));
}

TEST_F(RunnerTest, ResumeMeasuresWhatAnAddedRoundLacks) {
  { RunDirectory::create(temporary_ / "out", plan_for("'steady','spread'", 1)).add_round({{0, 1}, {1, 1}}); }
  RunDirectory directory = RunDirectory::open(temporary_ / "out");
  run(directory);
  EXPECT_EQ(directory.measured(), 4u);
  EXPECT_THAT(directory.plan().rounds, ElementsAre(2));
}

TEST(Classify, QuotesTheLastWords) {
  ChildResult child{
      .end = ChildEnd::kTimedOut, .exit_code = 0, .signal = 0, .last_line = "shadowwalk: x", .elapsed = 3s};
  EXPECT_EQ(classify(child, "", 2s).reason, "no result after 2s, killed; its last words: x");
  child.end = ChildEnd::kExited;
  child.exit_code = 1;
  EXPECT_EQ(classify(child, "two\nlines\n", 2s).reason, "lines") << "a reason is one line";
  EXPECT_THAT(classify(child, "", 2s).console, IsEmpty());
  for (const ChildEnd end : {ChildEnd::kKernelCrashed, ChildEnd::kKernelHung}) {
    child.end = end;
    child.console = {"Kernel panic", "the end"};
    EXPECT_EQ(classify(child, "", 2s).console, child.console);
  }
}

TEST_F(RunnerTest, FollowsThePlannedOrder) {
  RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'good','fail','refuse'", 3));
  std::vector<std::string> planned;
  for (const Measurement& measurement : directory.plan().order) {
    planned.push_back(directory.plan().cells[static_cast<std::size_t>(measurement.cell)].request.config.variant);
  }
  run(directory);
  EXPECT_EQ(starts(), planned);
}

TEST_F(RunnerTest, ResumeRepeatsNothingThatIsFinished) {
  {
    RunDirectory directory = RunDirectory::create(temporary_ / "out", plan_for("'good','fail'", 2));
    run(directory);
  }
  ASSERT_THAT(starts(), SizeIs(4));
  RunDirectory directory = RunDirectory::open(temporary_ / "out");
  run(directory);
  EXPECT_THAT(starts(), SizeIs(4)) << "failed ones are finished, too";
  settings_.retry_failed = true;
  run(directory);
  EXPECT_THAT(starts(), SizeIs(6)) << "unless they are to be tried again";
  EXPECT_EQ(starts()[4], "fail");
  EXPECT_EQ(directory.measured(), 2u);
  EXPECT_THAT(directory.failures(), SizeIs(2));
}

TEST_F(RunnerTest, ASignalStopsTheChildAndLeavesAResumableDirectory) {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::filesystem::remove(temporary_ / "log");
    const std::string name = std::to_string(signal);
    {
      RunDirectory directory = RunDirectory::create(temporary_ / name, plan_for("'hang'", 3));
      os::Interrupt interrupt;
      const pid_t sender = fork();  // a process, not a thread: run_measurements is for single-threaded programs
      if (sender == 0) {
        while (content_of(temporary_ / "log").empty()) std::this_thread::sleep_for(1ms);
        kill(getppid(), signal);
        _exit(0);
      }
      run_measurements(directory, settings_, interrupt);
      EXPECT_EQ(interrupt.caught(), signal);
      waitpid(sender, nullptr, 0);
      EXPECT_EQ(directory.measured() + directory.failures().size(), 0u) << "what was under way is dropped";
      EXPECT_THAT(summary(directory), HasSubstr("3 not yet run"));
    }
    EXPECT_THAT(starts(), SizeIs(1));
    EXPECT_THAT(names_in(temporary_ / name), UnorderedElementsAre("run.json", "cells"));
    EXPECT_NO_THROW(RunDirectory::open(temporary_ / name));
  }
}

/// Calls `action` in a child process whose `mount_point` is a tmpfs of `size`, and returns what it returns; nothing if
/// this system does not let us mount one.
std::optional<std::string> on_small_file_system(const std::filesystem::path& mount_point, const std::string& size,
                                                const std::function<std::string()>& action) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error{"pipe"};
  const pid_t child = fork();
  if (child == 0) {
    std::string said = "S";
    const uid_t user = geteuid();
    const bool unshared = unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) == 0;
    if (user != 0) std::ofstream{"/proc/self/uid_map"} << "0 " << user << " 1";
    if (unshared && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount("tmpfs", mount_point.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0) {
      said = "R" + action();
    }
    [[maybe_unused]] const ssize_t written = write(ends[1], said.data(), said.size());
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(count));
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (said.empty()) return "(the process died)";
  return said[0] == 'R' ? std::optional{said.substr(1)} : std::nullopt;
}

TEST_F(RunnerTest, AFullDiskStopsTheRunWithOneLineAndLosesNothing) {
  const auto disk = temporary_ / "disk";
  std::filesystem::create_directory(disk);
  const auto said = on_small_file_system(disk, "6m", [&]() -> std::string {
    const auto out = disk / "out";
    std::string first;
    {
      RunDirectory directory = RunDirectory::create(out, plan_for("'large'", 12));
      first = complaint([&] { run(directory); });
    }
    const std::size_t stored = names_in(out / "cells").size();
    if (stored == 0 || stored >= 12) return "stored " + std::to_string(stored);
    for (const std::string& name : names_in(out / "cells")) {
      if (!read_result(content_of(out / "cells" / name)).is_result()) return "half-written: " + name;
    }
    if (names_in(out).size() != 2) return "leftovers in " + out.string();
    if (mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0) return "remount";
    RunDirectory directory = RunDirectory::open(out);
    if (directory.measured() != stored) return "lost results";
    run(directory);
    if (directory.measured() != 12 || !directory.failures().empty()) return "not completed: " + summary(directory);
    return first;
  });
  if (!said) GTEST_SKIP() << "no tmpfs can be mounted here (needs root or user namespaces)";
  EXPECT_THAT(*said, AllOf(HasSubstr("No space left on device"), HasSubstr("of 12 are stored"), HasSubstr("--resume")));
  EXPECT_EQ(said->find('\n'), std::string::npos);
}

TEST_F(RunnerTest, ADiskThatIsFullFromTheStartStaysEmpty) {
  const auto disk = temporary_ / "disk";
  std::filesystem::create_directory(disk);
  const auto said = on_small_file_system(disk, "64k", [&] {
    const std::string complained = complaint([&] { RunDirectory::create(disk / "a/out", plan_for("'good'", 1)); });
    return complained + (std::filesystem::is_empty(disk) ? " [empty]" : " [leftovers]");
  });
  if (!said) GTEST_SKIP() << "no tmpfs can be mounted here (needs root or user namespaces)";
  EXPECT_THAT(*said, AllOf(HasSubstr("cannot write"), HasSubstr("No space left on device"), HasSubstr("[empty]")));
}

}  // namespace
}  // namespace shadowwalk::run
