#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "harness/os/program.hpp"

namespace shadowwalk::kernel {

/// Boots one of the kernels that scripts/fetch-kernels has unpacked; its parameter is the suite.
class BootedKernel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!os::find_program("qemu-system-x86_64")) GTEST_SKIP() << "no QEMU: install the package qemu-system-x86";
    if (!std::filesystem::exists(tree()))
      GTEST_SKIP() << tree().string() << " is not there: scripts/fetch-kernels gets it";
  }
  static std::filesystem::path tree() { return std::filesystem::path(SHADOWWALK_KERNELS) / GetParam(); }
};

/// Both, as the tests' names have them.
inline auto booted_kernels() { return testing::Values("bookworm", "bookworm-backports"); }
inline std::string name_of_kernel(const testing::TestParamInfo<const char*>& kernel) {
  return std::string(kernel.param) == "bookworm" ? "Linux61" : "Linux612";
}

}  // namespace shadowwalk::kernel
