#include "harness/host/processor.hpp"

#include <gtest/gtest.h>

#include "tests/os/fake_files.hpp"

namespace shadowwalk::host {
namespace {

TEST(Processor, ModelOfTheFirstCpu) {
  os::test::FakeFiles fake;
  EXPECT_EQ(cpu_model(fake.files()), "");
  fake.write("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC 9R45\n\nmodel name\t: other\n");
  EXPECT_EQ(cpu_model(fake.files()), "AMD EPYC 9R45");
}

TEST(Processor, FlagsAreWholeWords) {
  os::test::FakeFiles fake;
  fake.write("/proc/cpuinfo", "flags\t\t: fpu hypervisor_not svm\n");
  EXPECT_TRUE(has_cpu_flag(fake.files(), "svm"));
  EXPECT_TRUE(has_cpu_flag(fake.files(), "fpu"));
  EXPECT_FALSE(has_cpu_flag(fake.files(), "hypervisor"));
  EXPECT_FALSE(is_virtual_machine(fake.files(), ""));
  EXPECT_TRUE(is_virtual_machine(fake.files(), "KVMKVMKVM"));
}

}  // namespace
}  // namespace shadowwalk::host
