// What meets a running cell: a second one, signals, the death of its caller, rmmod, a CPU that goes offline.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "harness/kernel/initramfs.hpp"
#include "harness/kernel/kernel_module.hpp"
#include "tests/kernel/device/support.hpp"

namespace shadowwalk::kernel {
namespace {

using Guards = OnDevice;

bool write_file(const char* path, const char* text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

/// Whether a cell can run now.
void expect_to_run() {
  const RawDevice device;
  shadowwalk_request asked = small_request("irq-ipi", device.cpus());
  const auto result = device.result_of(asked);
  ASSERT_NE(result, nullptr) << device.why();
  EXPECT_EQ(result->bytes_leaked, 0u);
}

TEST_F(Guards, OneCellAtATime) {
  const RawDevice device;
  RunningCell cell(device.cpus());
  shadowwalk_request asked = small_request("irq-ipi", device.cpus());
  EXPECT_EQ(device.run(asked), EBUSY);
  EXPECT_THAT(device.why(), testing::HasSubstr("another cell runs"));
  shadowwalk_floor floor{};
  EXPECT_EQ(device.call(SHADOWWALK_IOC_FLOOR, &floor), 0) << "that describes a row only";
  floor.iterations = floor.cpu_count = 1;
  EXPECT_EQ(device.call(SHADOWWALK_IOC_FLOOR, &floor), EBUSY);
  cell.signal();
  EXPECT_EQ(cell.wait(), EINTR);
  EXPECT_EQ(device.run(asked), 0) << device.why();
}

TEST_F(Guards, TheModuleStaysWhileACellRuns) {
  RunningCell cell(RawDevice().cpus());
  EXPECT_EQ(syscall(SYS_delete_module, kModuleName, O_NONBLOCK), -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  cell.signal();
  EXPECT_EQ(cell.wait(), EINTR);
}

TEST_F(Guards, TheModuleGoesAndComesWhileNoneRuns) {
  if (!std::filesystem::exists(in_vm::kModule)) GTEST_SKIP() << "only in the virtual machine, which has its file";
  remove_module();
  EXPECT_FALSE(is_module_loaded());
  insert_module(in_vm::kModule);
  expect_to_run();
}

TEST_F(Guards, ACpuThatGoesOfflineEndsTheCell) {
  constexpr const char* kOnline = "/sys/devices/system/cpu/cpu1/online";
  if (!std::filesystem::exists(kOnline)) GTEST_SKIP() << "CPU 1 cannot go offline here";
  const unsigned cpus = RawDevice().cpus();
  RunningCell cell(cpus);
  ASSERT_TRUE(write_file(kOnline, "0"));
  EXPECT_EQ(cell.wait(), ENODEV);
  {
    const RawDevice device;
    shadowwalk_request asked = small_request("irq-ipi", 2);
    EXPECT_EQ(device.run(asked), ENODEV) << "CPU 1 is offline";
    EXPECT_THAT(device.why(), testing::HasSubstr("CPU 1 is not online"));
  }
  EXPECT_TRUE(write_file(kOnline, "1"));
  expect_to_run();
}

TEST_F(Guards, ACallerMayBeKilledAtAnyMoment) {
  const unsigned cpus = RawDevice().cpus();
  std::vector<std::string> variants;
  for (const shadowwalk_variant& variant : RawDevice().variants()) {
    if ((variant.flags & SHADOWWALK_VARIANT_RUNS) != 0) variants.emplace_back(variant.name);
  }
  std::mt19937_64 random(check_options.seed);
  for (unsigned i = 0; i < check_options.kills; ++i) {
    const std::string& variant = variants[random() % variants.size()];
    const pid_t caller = fork();
    if (caller == 0) {
      const RawDevice device;
      shadowwalk_request asked = small_request(variant, cpus);
      asked.mmu_lock = SHADOWWALK_LOCK_MUTEX;
      asked.duration_ns = 600'000'000'000;
      _exit(device.run(asked));
    }
    usleep(static_cast<useconds_t>(random() % 200'000));
    kill(caller, SIGKILL);
    int status = 0;
    waitpid(caller, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << variant << ": the caller ended by itself, with " << WEXITSTATUS(status);
  }
  expect_to_run();
}

}  // namespace
}  // namespace shadowwalk::kernel
