#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_handle.hpp"
#include "harness/guest/kvm_statistics.hpp"
#include "harness/guest/kvm_vcpu.hpp"

/// What all VMs of the lab have in common. All throw CellError on ioctl failure.
namespace shadowwalk::kvm {

/// /dev/kvm.
FileDescriptor open_kvm();

/// Throws InputError if this host's KVM cannot make that many vCPUs.
void check_vcpus(int kvm_fd, unsigned vcpus);

/// A VM without memory. An instruction that KVM cannot emulate ends its vCPU's KVM_RUN, where the kernel can do that.
FileDescriptor make_vm(int kvm_fd);

/// KVM_SET_USER_MEMORY_REGION: `memory` as slot `slot` at guest-physical `address`, with `flags`. Empty: deletes it.
void set_memory_slot(int vm_fd, unsigned slot, std::uint64_t address, std::span<std::byte> memory,
                     std::uint32_t flags = 0);

/// A VM that runs one image: its RAM (kvm_x86.hpp) is memory slot 0, and its owner makes the vCPUs.
class KvmVm {
 public:
  /// Throws InputError if this host's KVM cannot make that many vCPUs, or if the image is too large.
  KvmVm(std::span<const std::byte> image, unsigned vcpus);

  int fd() const { return vm_.get(); }
  /// The RAM at a guest-physical address.
  std::byte* at(std::uint64_t address) const;

  /// vCPU `index`, about to execute the image's first byte with its initial program state of `config` in its area. Each
  /// once, in order. `owner` begins the vCPU's errors ("guest vCPU 1: ...").
  KvmVcpu make_vcpu(const GuestConfig& config, unsigned index, const char* owner);

  /// When all vCPUs are made and none runs yet: where descriptors run out, vCPUs come first.
  void open_statistics();
  KvmStatistics statistics() const { return statistics_.read(); }

 private:
  FileDescriptor kvm_;
  Mapping ram_;  // before the VM: unmapped after it is gone
  FileDescriptor vm_;
  std::vector<int> statistics_fds_;
  KvmStatisticsReader statistics_;
};

}  // namespace shadowwalk::kvm
