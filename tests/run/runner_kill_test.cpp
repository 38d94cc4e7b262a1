// kill -9 of the runner at random moments: nothing that was finished is repeated, nothing is lost, no child survives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "harness/run/runner.hpp"
#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;

constexpr int kKills = 40;
constexpr int kRepetitions = 8;

class KillTest : public ::testing::Test {
 protected:
  /// What `shadowwalk run` does, in a process of its own: begin or resume, and run to the end.
  pid_t start_runner() {
    const pid_t runner = fork();
    if (runner != 0) return runner;
    try {
      RunDirectory directory = RunDirectory::is_run(out_) ? RunDirectory::open(out_)
                                                          : RunDirectory::create(out_, make_plan(matrix_, request_));
      RunnerSettings settings;
      settings.program = FAKE_CELL;
      settings.prefix = {"fake_cell", log_};
      settings.quiet_wait = 0s;
      settings.goal = goal_;
      settings.progress = {.out = std::fopen("/dev/null", "w"), .terminal = false, .width = 80};
      os::Interrupt interrupt;
      run_measurements(directory, settings, interrupt);
      _exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "runner: %s\n", error.what());
      _exit(1);
    }
  }

  static int wait_for(pid_t process) {
    int status = 0;
    EXPECT_EQ(waitpid(process, &status, 0), process);
    return status;
  }

  /// Finished results and failures: name -> inode and content. One that is written again would have another inode.
  std::map<std::string, std::pair<ino_t, std::string>> finished() const {
    std::map<std::string, std::pair<ino_t, std::string>> files;
    if (!std::filesystem::exists(out_ / "cells")) return files;
    for (const std::string& name : names_in(out_ / "cells")) {
      struct stat status {};
      EXPECT_EQ(stat((out_ / "cells" / name).c_str(), &status), 0);
      if (!name.starts_with(".")) files[name] = {status.st_ino, content_of(out_ / "cells" / name)};
    }
    return files;
  }

  struct Start {
    std::string variant;
    int vcpus;
    pid_t process;
  };
  std::vector<Start> starts() const {
    std::istringstream log{content_of(log_)};
    std::vector<Start> lines;
    for (Start line; log >> line.variant >> line.vcpus >> line.process;) lines.push_back(line);
    return lines;
  }

  /// The run is done: everything was started once, but for what `kills` cut off.
  void expect_complete(int kills) const {
    const RunDirectory directory = RunDirectory::open(out_);
    const std::size_t total = directory.plan().order.size();
    EXPECT_EQ(total, 4u * 8u * kRepetitions);
    EXPECT_EQ(directory.measured(), total / 2);
    EXPECT_EQ(directory.failures().size(), total / 2);
    const std::size_t files = total + total / 4 * RunnerSettings{}.retry_noisy;  // what was noisy stands beside
    EXPECT_THAT(names_in(out_), ::testing::UnorderedElementsAre("run.json", "cells"));
    EXPECT_EQ(names_in(out_ / "cells").size(), files);
    EXPECT_GE(starts().size(), files);
    EXPECT_LE(starts().size(), files + static_cast<std::size_t>(kills));
  }

  PrecisionGoal goal_;
  TemporaryDirectory temporary_;
  std::filesystem::path out_ = temporary_ / "out";
  std::string log_ = temporary_ / "log";
  Matrix matrix_ = parse_matrix(
      "[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=['good','noisy','refuse','fail']\nvcpus=[1,2,3,4,5,6,7,8]\n",
      "m.toml", fake_names());
  PlanRequest request_{.repetitions = kRepetitions, .seed = 3, .filter = ""};
};

TEST_F(KillTest, FinishedWorkIsNeitherRepeatedNorLost) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random{seed};
  std::uniform_int_distribution<int> moment{0, 120'000};

  int kills_of_this_run = 0;
  for (int kills = 0; kills < kKills;) {
    const auto before = finished();
    const std::size_t started_before = starts().size();
    const pid_t runner = start_runner();
    std::this_thread::sleep_for(std::chrono::microseconds{moment(random)});
    kill(runner, SIGKILL);
    const int status = wait_for(runner);
    const auto after = finished();
    for (const auto& [name, file] : before) {
      const auto found = after.find(name);
      ASSERT_NE(found, after.end()) << name << " was lost";
      ASSERT_EQ(found->second, file) << name << " was measured again";
    }
    // Each start finished, but for the one that was under way: a finished one that ran again would break the count.
    ASSERT_LE(starts().size() - started_before, after.size() - before.size() + 1);
    ASSERT_GE(starts().size() - started_before, after.size() - before.size());
    if (WIFSIGNALED(status)) {
      ++kills;
      ++kills_of_this_run;
    } else {  // a fast host: the matrix was done before the kill came, so go on with another one
      ASSERT_EQ(WEXITSTATUS(status), 0);
      expect_complete(kills_of_this_run);
      std::filesystem::remove_all(out_);
      std::filesystem::remove(log_);
      kills_of_this_run = 0;
    }
  }
  ASSERT_EQ(wait_for(start_runner()), 0);
  expect_complete(kills_of_this_run);
}

TEST_F(KillTest, RoundsThatWereAddedSurvive) {
  matrix_ = parse_matrix("[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=['steady','spread']\nvcpus=[1,2,3]\n",
                         "m.toml", fake_names());
  request_.repetitions = 2;
  goal_ = {.budget = 10h, .precision = 0.02};  // some 100 repetitions
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> moment{0, 300'000};
  int kills = 0;
  for (int i = 0; i < 10; ++i) {
    const auto before = finished();
    const pid_t runner = start_runner();
    std::this_thread::sleep_for(std::chrono::microseconds{moment(random)});
    kill(runner, SIGKILL);
    kills += WIFSIGNALED(wait_for(runner));
    const auto after = finished();
    for (const auto& [name, file] : before) {
      const auto found = after.find(name);
      ASSERT_NE(found, after.end()) << name << " was lost";
      ASSERT_EQ(found->second, file) << name << " was measured again";
    }
  }
  ASSERT_EQ(wait_for(start_runner()), 0);
  const RunDirectory directory = RunDirectory::open(out_);
  const std::size_t total = directory.plan().order.size();
  EXPECT_FALSE(directory.plan().rounds.empty());
  EXPECT_EQ(directory.measured(), total);
  EXPECT_EQ(names_in(out_ / "cells").size(), total);
  EXPECT_LE(starts().size(), total + static_cast<std::size_t>(kills));
  EXPECT_TRUE(imprecise_settings(directory.plan(), directory.results(), goal_.precision).empty());
}

TEST_F(KillTest, NoChildOutlivesTheRunner) {
  matrix_ =
      parse_matrix("[[group]]\nname='g'\nworkload='mmio-poll'\nvariant='hang'\nvcpus=1\n", "m.toml", fake_names());
  const pid_t runner = start_runner();
  while (starts().empty()) std::this_thread::sleep_for(1ms);
  kill(runner, SIGKILL);
  wait_for(runner);
  // Ends only if the kernel kills the child (it ignores SIGTERM); a zombie that nobody reaps counts as dead.
  const std::string status = "/proc/" + std::to_string(starts().front().process) + "/stat";
  while (true) {
    const std::string stat = content_of(status);
    if (stat.empty() || stat.find(") Z ") != std::string::npos) break;
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_NO_THROW(RunDirectory::open(out_)) << "and its lock is gone with it";
}

}  // namespace
}  // namespace shadowwalk::run
