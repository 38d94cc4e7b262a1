#include "harness/attach/live/process.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shadowwalk::live {
namespace {

TEST(ProcessTest, KnowsItself) {
  const Process self = this_process();
  EXPECT_EQ(self.pid, getpid());
  EXPECT_GT(self.start, 0u);
  EXPECT_EQ(process_of(getpid()), self);
  EXPECT_EQ(parent_of(getpid()), getppid());
}

TEST(ProcessTest, ANameWithBracketsAndSpacesMisleadsNobody) {
  char before[16] = {};
  prctl(PR_GET_NAME, before);
  const Process self = this_process();
  prctl(PR_SET_NAME, ") R 1 2 (x) 3");
  EXPECT_EQ(process_of(getpid()), self);
  EXPECT_EQ(parent_of(getpid()), getppid());
  prctl(PR_SET_NAME, before);
}

TEST(ProcessTest, AZombieAndOneThatIsGoneAreNone) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(process_of(child), std::nullopt) << "a zombie";
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(process_of(child), std::nullopt) << "gone";
  EXPECT_EQ(parent_of(child), 0);
}

TEST(ProcessTest, TextThereAndBack) {
  const Process process{4711, 123456789};
  EXPECT_EQ(parse_process(to_string(process)), process);
  for (const std::string text : {"", "-", "--", "4711", "4711-", "4711-1", "-4711-1-1", "0-1-1", "x-1-1", "1-x-1"}) {
    EXPECT_EQ(parse_process(text), std::nullopt) << text;
  }
}

TEST(ProcessTest, ANumberOfAnotherNamespaceIsNotOurs) {
  const std::string elsewhere = "4711-1-" + std::to_string(pid_namespace() + 1);
  EXPECT_EQ(parse_process(elsewhere), std::nullopt);
}

}  // namespace
}  // namespace shadowwalk::live
