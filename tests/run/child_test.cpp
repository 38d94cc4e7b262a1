#include "harness/run/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ChildTest : public ::testing::Test {
 protected:
  ChildResult run(const std::string& variant, std::chrono::nanoseconds limit = 120s, int stop_fd = -1) {
    return run_child(FAKE_CELL,
                     {"fake_cell", directory_ / "log", "--variant", variant, "--json", directory_ / "result.json"},
                     limit, stop_fd);
  }

  /// Process id that the fake wrote when it started.
  pid_t started() {
    const std::string log = content_of(directory_ / "log");
    return std::stoi(log.substr(log.find_last_of(' ')));
  }

  TemporaryDirectory directory_;
};

TEST_F(ChildTest, Succeeds) {
  const ChildResult result = run("good");
  EXPECT_EQ(result.end, ChildEnd::kExited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_GE(result.elapsed, 4ms);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "result.json"));
}

TEST_F(ChildTest, ExitsWithAReason) {
  const ChildResult result = run("refuse");
  EXPECT_EQ(result.end, ChildEnd::kExited);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.last_line, "shadowwalk: leak would need 12 GiB");
}

TEST_F(ChildTest, Crashes) {
  const ChildResult result = run("crash");
  EXPECT_EQ(result.end, ChildEnd::kSignalled);
  EXPECT_EQ(result.signal, SIGSEGV);
  EXPECT_EQ(result.last_line, "about to crash");
}

TEST_F(ChildTest, IsKilledWhenItHangs) {
  const ChildResult result = run("hang", 300ms);
  EXPECT_EQ(result.end, ChildEnd::kTimedOut);
  EXPECT_GE(result.elapsed, 300ms);
}

// As when someone presses ^Z, or closes the lid.
TEST_F(ChildTest, ATimeInWhichTheRunnerIsStoppedIsNotTheChilds) {
  constexpr auto kLimit = 2s;
  const pid_t runner = getpid();
  const pid_t helper = fork();
  if (helper == 0) {
    while (!std::filesystem::exists(directory_ / "runs")) std::this_thread::sleep_for(1ms);
    kill(runner, SIGSTOP);
    std::this_thread::sleep_for(2 * kLimit);
    kill(runner, SIGCONT);
    _exit(std::ofstream(directory_ / "go on") ? 0 : 1);
  }
  const std::string waits = "touch '" + (directory_ / "runs").string() + "'; until [ -e '" +
                            (directory_ / "go on").string() + "' ]; do sleep 0.01; done";
  const ChildResult result = run_child("/bin/sh", {"sh", "-c", waits}, kLimit, -1);
  waitpid(helper, nullptr, 0);
  EXPECT_EQ(result.end, ChildEnd::kExited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_GE(result.elapsed, kLimit) << "nothing was to be forgiven";
}

TEST_F(ChildTest, StopsWithItsGroupWhenAsked) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t helper = fork();
  if (helper == 0) {  // asks once the child has its own child and has said what it says
    while (!std::filesystem::exists(directory_ / "result.json")) std::this_thread::sleep_for(1ms);
    _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
  }
  const ChildResult result = run("hang-with-child", 120s, ends[0]);
  EXPECT_EQ(result.end, ChildEnd::kInterrupted);
  EXPECT_EQ(result.last_line, "still here");
  waitpid(helper, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  // The grandchild ignores SIGTERM and would stay for ever. Dead ones may take a moment until init reaps them.
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (kill(-started(), 0) == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(kill(-started(), SIGKILL), -1) << "a grandchild survived";
}

/// Whether a process of this name is a child of `parent`.
bool has_child_named(pid_t parent, const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string text;
    std::getline(std::ifstream(entry.path() / "stat"), text);
    const std::string middle = " (" + name + ") ";
    const auto at = text.find(middle);
    if (at != std::string::npos && text.substr(at + middle.size() + 2).starts_with(std::to_string(parent) + " "))
      return true;
  }
  return false;
}

/// As a cell forgets it whose program has file capabilities.
TEST_F(ChildTest, EndsWithTheRunnerThoughItHasForgottenTheKernelsSignal) {
  if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv (util-linux) here";
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t runner = fork();
  if (runner == 0) {
    run_child("/usr/bin/setpriv", {"setpriv", "--pdeathsig", "clear", "sleep", "1000"}, 1000s, -1);
    _exit(0);
  }
  close(ends[1]);  // the runner and its child hold it
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!has_child_named(runner, "death-watch") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
  }
  while (!has_child_named(runner, "sleep") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
  }
  kill(runner, SIGKILL);
  waitpid(runner, nullptr, 0);
  pollfd end{ends[0], POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, 60'000), 1) << "the child lives on";
  close(ends[0]);
}

TEST_F(ChildTest, BoundsTheOutputItKeeps) {
  const ChildResult result = run("flood");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.last_line, "last words of the flood");
}

TEST_F(ChildTest, SaysWhenTheProgramCannotBeStarted) {
  const ChildResult result = run_child("/nonexistent", {"x"}, 60s, -1);
  EXPECT_EQ(result.exit_code, 127);
  EXPECT_THAT(result.last_line, HasSubstr("No such file"));
}

}  // namespace
}  // namespace shadowwalk::run
