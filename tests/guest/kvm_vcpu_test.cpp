#include "harness/guest/kvm_vcpu.hpp"

#include <gtest/gtest.h>

namespace shadowwalk::kvm {
namespace {

kvm_run exit_of(__u32 reason) {
  kvm_run run{};
  run.exit_reason = reason;
  return run;
}

TEST(KvmExit, IsNamedWithItsDetails) {
  kvm_run run = exit_of(KVM_EXIT_FAIL_ENTRY);
  run.fail_entry.hardware_entry_failure_reason = 0x80000021;
  run.fail_entry.cpu = 5;
  EXPECT_EQ(describe_exit(run), "KVM_EXIT_FAIL_ENTRY: hardware reason 0x80000021, CPU 5");

  run = exit_of(KVM_EXIT_UNKNOWN);
  run.hw.hardware_exit_reason = 0x7f;
  EXPECT_EQ(describe_exit(run), "KVM_EXIT_UNKNOWN: hardware reason 0x7f");

  run = exit_of(KVM_EXIT_IO);
  run.io.direction = KVM_EXIT_IO_IN;
  run.io.size = 2;
  run.io.count = 1;
  run.io.port = 0x60;
  EXPECT_EQ(describe_exit(run), "unexpected KVM_EXIT_IO: in of 1 x 2 bytes, port 0x60");

  run = exit_of(KVM_EXIT_MMIO);
  run.mmio.phys_addr = 0xfee00000;
  run.mmio.len = 4;
  run.mmio.is_write = 1;
  EXPECT_EQ(describe_exit(run), "unexpected KVM_EXIT_MMIO: write of 4 bytes at gpa 0xfee00000");

  EXPECT_EQ(describe_exit(exit_of(KVM_EXIT_HLT)), "unexpected KVM_EXIT_HLT");
  EXPECT_EQ(describe_exit(exit_of(777)), "unexpected KVM exit reason 777");
}

TEST(KvmExit, InternalErrorTellsItsDataAndNoMoreThanThereIs) {
  kvm_run run = exit_of(KVM_EXIT_INTERNAL_ERROR);
  run.internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
  run.internal.ndata = 2;
  run.internal.data[0] = 0xab;
  run.internal.data[1] = 0xcd;
  EXPECT_EQ(describe_exit(run), "KVM_EXIT_INTERNAL_ERROR: suberror 3, data 0xab 0xcd");
  run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
  run.internal.ndata = 0;
  EXPECT_EQ(describe_exit(run), "KVM_EXIT_INTERNAL_ERROR: suberror 1 (an instruction that KVM cannot emulate)");
  run.internal.ndata = 1'000'000;  // sixteen fit
  EXPECT_LT(describe_exit(run).size(), 400u);
}

}  // namespace
}  // namespace shadowwalk::kvm
