#include "harness/os/deadline.hpp"

#include <gtest/gtest.h>

namespace shadowwalk::os {
namespace {

using namespace std::chrono_literals;

TEST(Deadline, PassesAtItsLimit) {
  const Deadline::Clock::time_point start{};
  Deadline deadline(2500ms, start);
  EXPECT_EQ(deadline.next_look(), start + 1s);
  EXPECT_FALSE(deadline.passed(start + 1s));
  EXPECT_FALSE(deadline.passed(start + 2s));
  EXPECT_EQ(deadline.next_look(), start + 2500ms);
  EXPECT_TRUE(deadline.passed(start + 2500ms));
}

TEST(Deadline, ATimeWithoutALookDoesNotCount) {
  const Deadline::Clock::time_point start{};
  Deadline deadline(3s, start);
  EXPECT_FALSE(deadline.passed(start + 1s));
  EXPECT_FALSE(deadline.passed(start + 61s));  // SIGSTOP, a suspended laptop
  EXPECT_FALSE(deadline.passed(start + 62s));
  EXPECT_TRUE(deadline.passed(start + 63s));
}

}  // namespace
}  // namespace shadowwalk::os
