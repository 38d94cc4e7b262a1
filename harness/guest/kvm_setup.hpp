#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/guest/kvm_handle.hpp"

struct kvm_sregs;

/// What every VM of the lab begins with. All throw CellError on ioctl failure.
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

/// Segments over all of memory at CPL 3: 64-bit code, and data. Pure.
void set_user_segments(kvm_sregs& sregs, std::uint16_t code_selector, std::uint16_t data_selector);

}  // namespace shadowwalk::kvm
