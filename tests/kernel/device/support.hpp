#pragma once

#include <gmock/gmock.h>
#include <sys/ioctl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/kernel/abi.h"
#include "harness/os/file_descriptor.hpp"

/// The checks of the module's device run where the module is loaded, as root: in the virtual machines that
/// kernel_device_test boots, or by hand. They talk to the device itself, since they say what no client of it would.
namespace shadowwalk::kernel {

/// What main() was told.
struct CheckOptions {
  std::uint64_t seed = 1;
  std::uint64_t requests = 2000;         ///< --requests: random ones
  unsigned kills = 8;                    ///< --kills: callers that are killed
  std::chrono::milliseconds window{20};  ///< --window: of each small cell
};
extern CheckOptions check_options;

/// The open device, called directly. If it cannot be opened, the test fails.
class RawDevice {
 public:
  RawDevice();

  /// 0, or an errno.
  int call(unsigned long command, void* argument) const { return ioctl(fd_.get(), command, argument) == 0 ? 0 : errno; }
  /// The reason of the last error.
  std::string why() const;
  int run(shadowwalk_request& request) const { return call(SHADOWWALK_IOC_RUN, &request); }
  /// The same with its result; null: it was refused.
  std::unique_ptr<shadowwalk_result> result_of(shadowwalk_request& request) const;
  /// Of the last cell, as read() gives it; the number of bytes.
  ssize_t read_result(shadowwalk_result& result) const;
  int fd() const { return fd_.get(); }

  unsigned cpus() const { return about_.cpus_online; }
  std::vector<shadowwalk_variant> variants() const;

 private:
  os::FileDescriptor fd_;
  shadowwalk_about about_{};
};

/// Two vCPUs and one zapper, as the workload mmio-poll in small.
shadowwalk_request small_request(const std::string& variant, unsigned cpus);
struct SmallCell {
  const char* name;
  void (*change)(shadowwalk_request& request);
};
/// As the workloads mmio-poll, demand-fault, memslot-flip and quota, and two more, each in small.
std::span<const SmallCell> small_cells();

/// A cell of a minute in a process of its own.
class RunningCell {
 public:
  /// Returns when its threads are there.
  explicit RunningCell(unsigned cpus);
  RunningCell(const RunningCell&) = delete;
  RunningCell& operator=(const RunningCell&) = delete;
  ~RunningCell();
  void signal() const;
  /// The errno with which it ended.
  int wait();

 private:
  pid_t child_ = -1;
};

/// Each check leaves the kernel's memory as it was: the module's areas of vmalloc, and slab but for a little that comes
/// and goes.
class OnDevice : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

 private:
  std::vector<std::string> areas_;
  long slab_kib_ = 0;
};

}  // namespace shadowwalk::kernel
