#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "harness/guest/kvm_handle.hpp"

namespace shadowwalk::kvm {

/// An exit that no guest program should cause, in words: its name and what `run` says about it
/// ("KVM_EXIT_INTERNAL_ERROR: suberror 1, data 0x2 0x400000"). Makes no system call.
std::string describe_exit(const kvm_run& run);

/// Why a vCPU left its guest, as far as the lab's images cause it.
enum class KvmExit {
  doorbell,    ///< one byte to guest_abi::kDoorbellPort
  mmio,        ///< an access to memory that no slot backs: KvmVcpu::mmio()
  interrupted  ///< a signal, or immediate_exit was set
};

/// A vCPU of KVM, whatever its image does: its descriptor, its kvm_run and what its exits mean. run() is for one
/// thread, any one: KVM does not care which thread created the vCPU.
class KvmVcpu {
 public:
  /// `ram` holds the image and its exception frames, and outlives the vCPU. `name` begins its errors.
  KvmVcpu(FileDescriptor fd, std::size_t run_bytes, std::span<const std::byte> ram, std::string name);

  /// Runs the guest until it exits. KVM completes the access of an exit at the *next* KVM_RUN, before it looks at
  /// immediate_exit: an EINTR in between neither loses nor repeats it. Throws CellError if the guest crashed.
  KvmExit run();

  /// After KvmExit::mmio.
  decltype(kvm_run::mmio)& mmio() { return run_->mmio; }
  /// kvm_run->immediate_exit: while it is 1, run() returns at once. Through std::atomic_ref; never cleared here.
  std::uint8_t& immediate_exit() { return run_->immediate_exit; }
  int fd() const { return fd_.get(); }

  /// Throws CellError: the vCPU, `what`, its rip.
  [[noreturn]] void fail(const std::string& what) const;
  /// The same of the last exit, which should not have happened.
  [[noreturn]] void fail_on_exit() const { fail(describe_exit(*run_)); }

 private:
  FileDescriptor fd_;
  Mapping run_mapping_;
  kvm_run* run_;
  std::span<const std::byte> ram_;
  std::string name_;
};

}  // namespace shadowwalk::kvm
