#pragma once

#include <string>
#include <vector>

#include "harness/guest/kvm_handle.hpp"
#include "harness/guest/kvm_statistics.hpp"

namespace shadowwalk::kvm {

/// The statistics files of a VM and its vCPUs, opened once: KVM_GET_STATS_FD waits for a vCPU that runs, reading the
/// file does not. Where the kernel has none, or descriptors run out, there are no statistics; nothing throws.
class KvmStatisticsReader {
 public:
  KvmStatisticsReader() = default;
  /// Before the vCPUs run. `fds` are the VM's and the vCPUs'.
  explicit KvmStatisticsReader(const std::vector<int>& fds);

  /// Any thread, while vCPUs run too: each value is current, together they are of no one moment.
  KvmStatistics read() const;

 private:
  std::vector<FileDescriptor> files_;
  std::string unavailable_ = "not opened";
};

}  // namespace shadowwalk::kvm
