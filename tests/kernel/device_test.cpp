// The module's device, checked by a program in a kernel that is booted for it: one boot per kernel, for all checks.
#include <cstdlib>
#include <sstream>

#include "harness/kernel/module_build.hpp"
#include "harness/kernel/vm_session.hpp"
#include "tests/kernel/booted_kernel.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr const char* kCheck = "/bin/kernel_device_check";

/// More than CI has time for: SHADOWWALK_DEVICE_CHECK="--requests=100000 --kills=50".
std::vector<std::string> more_words() {
  const char* const given = std::getenv("SHADOWWALK_DEVICE_CHECK");
  std::istringstream words(given == nullptr ? "" : given);
  return {std::istream_iterator<std::string>(words), {}};
}

using DeviceInKernel = BootedKernel;

TEST_P(DeviceInKernel, PassesEveryCheckWithoutAWarning) {
  setenv("XDG_CACHE_HOME", SHADOWWALK_CACHE, 1);
  const KernelImage image = find_kernel_image(tree());
  const auto module = build_module(SHADOWWALK_MODULE_SOURCE, image.release, image.tree, nullptr);
  VmSession session({.image = image,
                     .content = {.command = SHADOWWALK_VM_PROGRAM,
                                 .module = module,
                                 .programs = {{SHADOWWALK_DEVICE_CHECK_PROGRAM, kCheck}}},
                     .cpus = 3,
                     .memory = {.least_mib = 512, .wanted_mib = 512},
                     .notice = {}});
  VmJob job{.words = {kCheck}, .files = {}, .result_file = {}, .limit = std::chrono::minutes(60)};
  const auto more = more_words();
  job.words.insert(job.words.end(), more.begin(), more.end());
  const VmOutcome outcome = session.run(job, -1);
  ASSERT_EQ(outcome.kind, VmOutcome::Kind::ended) << testing::PrintToString(outcome.console);
  std::fputs(outcome.end.output.c_str(), stdout);
  EXPECT_FALSE(outcome.end.timed_out);
  EXPECT_EQ(outcome.end.signal, 0);
  EXPECT_EQ(outcome.end.exit_code, 0);
  EXPECT_THAT(outcome.end.output, testing::Not(testing::HasSubstr("SKIPPED")));
  EXPECT_EQ(session.machine()->console().gravest(), "");
}

INSTANTIATE_TEST_SUITE_P(Debian, DeviceInKernel, booted_kernels(), name_of_kernel);
// What scripts/debug-kernel has built: by hand.
INSTANTIATE_TEST_SUITE_P(DISABLED_Debug, DeviceInKernel, testing::Values("debug"));

}  // namespace
}  // namespace shadowwalk::kernel
