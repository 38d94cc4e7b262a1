#include "harness/measure/quiet.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

#include "tests/files.hpp"

namespace shadowwalk {
namespace {

class QuietWatchTest : public testing::Test {
 protected:
  /// Ticks since boot: busy ones, stolen ones.
  void set(std::uint64_t busy, std::uint64_t stolen) {
    std::ofstream{stat_} << "cpu  " << busy << " 0 0 0 0 0 0 " << stolen << " 0 0\n";
  }

  TemporaryDirectory temporary_;
  std::string stat_ = temporary_ / "stat";
};

constexpr std::uint64_t kMany = 10'000'000;  // ticks: more than any test lasts on any number of CPUs

TEST_F(QuietWatchTest, OtherLoadAndStealAreReasons) {
  set(1, 1);
  QuietWatch watch(stat_);
  EXPECT_EQ(watch.look().size(), 0u);
  set(kMany, 1);
  std::vector<std::string> reasons = watch.look();
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_NE(reasons.front().find("other processes took"), std::string::npos) << reasons.front();
  EXPECT_EQ(watch.look().size(), 0u) << "since the last look, nothing";
  set(kMany, kMany);
  reasons = watch.look();
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_NE(reasons.front().find("steal"), std::string::npos) << reasons.front();
}

TEST_F(QuietWatchTest, ChildrenThatHaveEndedAreNoOthers) {
  set(1, 0);
  QuietWatch watch(stat_);
  const pid_t child = fork();
  if (child == 0) {
    while (std::clock() < CLOCKS_PER_SEC / 2) {
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  // What the child used, as the kernel would count it.
  set(1 + static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)) / 2, 0);
  EXPECT_EQ(watch.look().size(), 0u);
}

TEST_F(QuietWatchTest, WithoutTheFileNothingIsKnown) {
  QuietWatch watch(temporary_ / "none");
  EXPECT_EQ(watch.look().size(), 0u);
}

}  // namespace
}  // namespace shadowwalk
