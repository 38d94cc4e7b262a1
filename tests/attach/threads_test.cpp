#include "harness/attach/live/threads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <latch>
#include <thread>

namespace shadowwalk::live {
namespace {

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
