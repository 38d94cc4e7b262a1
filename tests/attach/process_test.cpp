#include "harness/attach/live/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <latch>
#include <thread>

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

TEST(HeldProcessTest, IsThatProcessAndNoOther) {
  const Process self = this_process();
  const auto held = HeldProcess::hold(self);
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(held->is_running());
  EXPECT_EQ(held->process(), self);
  EXPECT_FALSE(is_running({self.pid, self.start + 1})) << "its number is another's by now";
  EXPECT_FALSE(is_running({1, self.start})) << "init did not begin with us";
  for (const pid_t pid : {0, -1, -getpid(), 0x7fffffff, static_cast<pid_t>(0x80000000)}) {
    EXPECT_FALSE(is_running({pid, self.start})) << pid;
    EXPECT_FALSE(is_running({pid, 0})) << pid;
  }
}

TEST(HeldProcessTest, EndsWithItsProcessEvenAsAZombie) {
  const pid_t child = fork();
  while (child == 0) pause();
  const Process process = process_of(child).value();
  const auto held = HeldProcess::hold(process);
  ASSERT_TRUE(held.has_value());
  kill(child, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(held->is_running()) << "a zombie";
  EXPECT_FALSE(is_running(process)) << "a zombie";
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(held->is_running());
}

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;

TEST(ThreadsTest, RolesByNameInTheOrderOfTheirNumbers) {
  const std::vector<const char*> names = {"vcpu-10", "vcpu-2", "zapper-0", "reclaim-0", "vcpu-", "vcpus-1", "walker"};
  std::vector<pid_t> tids(names.size());
  std::latch named(static_cast<std::ptrdiff_t>(names.size()));
  std::latch done(1);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < names.size(); ++i) {
    threads.emplace_back([&, i] {
      pthread_setname_np(pthread_self(), names[i]);
      tids[i] = static_cast<pid_t>(syscall(SYS_gettid));
      named.count_down();
      done.wait();
    });
  }
  named.wait();
  auto roles = threads_by_role(getpid());
  done.count_down();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(roles["vcpu"], ElementsAre(tids[1], tids[0]));
  EXPECT_THAT(roles["zapper"], ElementsAre(tids[2]));
  EXPECT_THAT(roles["reclaim"], ElementsAre(tids[3]));
  EXPECT_THAT(roles["main"], ElementsAre(getpid()));
  EXPECT_THAT(roles["other"], IsSupersetOf({tids[4], tids[5], tids[6]}));  // a sanitizer may have one, too
}

TEST(ThreadsTest, AProcessThatIsGoneHasNone) { EXPECT_THAT(threads_by_role(0x7fffffff), IsEmpty()); }

}  // namespace

}  // namespace shadowwalk::live
