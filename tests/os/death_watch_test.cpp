#include "harness/os/death_watch.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "harness/os/program.hpp"
#include "tests/os/doomed_parent.hpp"

namespace shadowwalk::os {
namespace {

/// Sleeps, and has forgotten the signal that the kernel was to send it, as after the exec of a program with file
/// capabilities.
pid_t start_forgetful(int death_signal) {
  return start_program("/usr/bin/setpriv", {"setpriv", "--pdeathsig", "clear", "sleep", "1000"},
                       {.death_signal = death_signal});
}

class DeathWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv (util-linux) here";
  }
};

TEST_F(DeathWatchTest, ReachesAChildThatTheKernelHasForgotten) {
  DoomedParent parent([] {
    const pid_t child = start_forgetful(SIGKILL);
    std::make_unique<DeathWatch>(child, SIGKILL).release();  // as long as the process
  });
  parent.kill_now();
  EXPECT_TRUE(parent.whole_family_ends());
}

TEST_F(DeathWatchTest, HoldsNothingOpen) {
  const pid_t child = start_forgetful(SIGKILL);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    const DeathWatch watch(child, SIGKILL);
    close(ends[1]);
    pollfd end{ends[0], POLLIN, 0};
    EXPECT_EQ(poll(&end, 1, 60'000), 1) << "the watcher has what this process had open";
    close(ends[0]);
    EXPECT_EQ(kill(child, 0), 0) << "it was killed, though its parent lives";
    kill(child, SIGKILL);
    wait_for(child);
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a process is left";
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace shadowwalk::os
