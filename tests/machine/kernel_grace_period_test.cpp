#include "harness/machine/kernel_grace_period.hpp"

#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

TEST(KernelGracePeriod, TheKernelWaitsOrThereIsAReason) {
  const long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  const bool has_global = commands > 0 && (commands & MEMBARRIER_CMD_GLOBAL) != 0;
  const std::string why_not = why_no_kernel_grace_period();
  EXPECT_EQ(why_not.empty(), has_global && sysconf(_SC_NPROCESSORS_ONLN) > 1) << why_not;
  if (has_global) {
    EXPECT_NO_THROW(wait_for_kernel_grace_period());
  } else {
    EXPECT_EQ(why_not.find("membarrier: "), 0u) << why_not;
    EXPECT_THROW(wait_for_kernel_grace_period(), CellError);
  }
}

}  // namespace
}  // namespace shadowwalk
