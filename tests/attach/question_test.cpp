#include "harness/attach/tools/question.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/machine/error.hpp"

namespace shadowwalk::tools {
namespace {

TEST(TargetOf, AProcessThatIsGone) {
  EXPECT_EQ(target_of(live::this_process(), "x").threads.at("main"), std::vector<pid_t>{getpid()});
  EXPECT_FALSE(target_of(live::this_process(), "x").has_kvm_vcpus);
  EXPECT_THROW(target_of({0x3fffffff, 1}, "x"), InputError);
}

}  // namespace

}  // namespace shadowwalk::tools
