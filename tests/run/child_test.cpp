#include "harness/run/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ChildTest : public ::testing::Test {
 protected:
  ChildResult run(const std::string& variant, std::chrono::nanoseconds limit = 60s, int stop_fd = -1) {
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

TEST_F(ChildTest, IsKilledWithItsGroupWhenItHangs) {
  const ChildResult result = run("hang-with-child", 300ms);
  EXPECT_EQ(result.end, ChildEnd::kTimedOut);
  EXPECT_GE(result.elapsed, 300ms);
  EXPECT_EQ(result.last_line, "still here");
  // The grandchild is init's to reap: wait until the group is empty (it ignores SIGTERM and would stay for ever).
  while (kill(-started(), 0) == 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(ChildTest, StopsWhenAsked) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_EQ(run("hang", 60s, ends[0]).end, ChildEnd::kInterrupted);
  close(ends[0]);
  close(ends[1]);
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

TEST(LastLine, IsPrintableAndShort) {
  EXPECT_EQ(last_line(""), "");
  EXPECT_EQ(last_line("\n \n"), "");
  EXPECT_EQ(last_line("one\ntwo\n\n"), "two");
  EXPECT_EQ(last_line("one\rtwo"), "two");
  EXPECT_EQ(last_line("a\x1b[31mb\tc"), "a [31mb c");
  EXPECT_EQ(last_line(std::string(5000, 'x')).size(), 400u);
}

}  // namespace
}  // namespace shadowwalk::run
