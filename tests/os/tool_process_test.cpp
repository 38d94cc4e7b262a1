#include "harness/os/tool_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <thread>

#include "tests/files.hpp"
#include "tests/os/doomed_parent.hpp"

namespace shadowwalk::os {
namespace {

std::vector<std::string> shell(const std::string& script) { return {"sh", "-c", script}; }

TEST(ToolProcessTest, KeepsTheLastLineOfItsStderr) {
  testing::internal::CaptureStderr();
  ToolProcess tool("/bin/sh", shell("echo Warning >&2; printf 'no \\033[1mway\\n' >&2; exit 3"), {});
  EXPECT_EQ(tool.wait(), 3);
  EXPECT_EQ(tool.last_error(), "no \\x1b[1mway");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ToolProcessTest, ThatPrintsNothing) {
  ToolProcess tool("/bin/sh", shell("exit 0"), {});
  EXPECT_EQ(tool.wait(), 0);
  EXPECT_EQ(tool.ended(), 0);
  EXPECT_EQ(tool.last_error(), "it printed nothing");
}

TEST(ToolProcessTest, IsInterruptedAndThenKilled) {
  ToolProcess polite("/bin/sh", shell("exec sleep 1000"), {});
  EXPECT_EQ(polite.ended(), std::nullopt);
  EXPECT_EQ(polite.end(), 128 + SIGINT);

  const ToolOutput ready;
  ToolProcess deaf("/bin/sh", shell("trap '' INT; echo ready; while :; do sleep 1000; done"), {.out = ready.fd()});
  while (ready.last_line() != "ready") std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(deaf.end(std::chrono::milliseconds(1)), 128 + SIGKILL);
}

TEST(ToolProcessTest, EndsWithItsParent) {
  for (const std::string clear : {"", "setpriv --pdeathsig clear "}) {
    DoomedParent parent([&] {
      std::make_unique<ToolProcess>("/bin/sh", shell("exec " + clear + "sleep 1000"), ToolProcess::Setup{}).release();
    });
    parent.kill_now();
    EXPECT_TRUE(parent.whole_family_ends()) << clear;
  }
}

TEST(ToolProcessTest, LeavesNoProcess) {
  { ToolProcess tool("/bin/sh", shell("exec sleep 1000"), {}); }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ToolProcessTest, SaysWhyItCannotBeStarted) {
  EXPECT_EQ(complaint([] { ToolProcess("/nonexistent", {"x"}, {}); }),
            "cannot start /nonexistent: No such file or directory");
}

}  // namespace
}  // namespace shadowwalk::os
