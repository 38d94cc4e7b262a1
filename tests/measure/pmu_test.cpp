#include "harness/measure/pmu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace shadowwalk {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// 0 if the kernel's own cycles event opens for this thread, else errno: asked without libpfm4.
int errno_of_opening_cycles() {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return errno;
  close(static_cast<int>(fd));
  return 0;
}

TEST(PmuTest, AgreesWithTheKernel) {
  const std::string reason = pmu_unavailable_reason();
  switch (const int error = errno_of_opening_cycles(); error) {
    case 0:
      // libpfm4 may not know a CPU whose PMU the kernel drives.
      EXPECT_THAT(reason, testing::AnyOf("", StartsWith("libpfm4")));
      break;
    case ENOENT:
    case EOPNOTSUPP:
      EXPECT_THAT(reason, testing::AnyOf(HasSubstr("no hardware PMU"), StartsWith("libpfm4")));
      break;
    case EACCES:
    case EPERM:
      EXPECT_THAT(reason, HasSubstr("perf_event_paranoid"));
      break;
    default:
      EXPECT_NE(reason, "") << "perf_event_open: errno " << error;
  }
}

TEST(PmuTest, ReasonIsOneLineAndTheSameEachTime) {
  const std::string reason = pmu_unavailable_reason();
  EXPECT_THAT(reason, testing::Not(HasSubstr("\n")));
  EXPECT_EQ(pmu_unavailable_reason(), reason);
}

TEST(PmuTest, AskingLeavesNoFileOpen) {
  const int before = dup(0);
  close(before);
  pmu_unavailable_reason();
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace shadowwalk
