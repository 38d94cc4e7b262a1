#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "harness/guest/kvm_handle.hpp"
#include "harness/host_kvm/touch_abi.hpp"

namespace shadowwalk::host_kvm {

/// Why a vCPU left its guest.
enum class TouchExit {
  burst,        ///< its burst of touches is done
  device,       ///< a touch of the device region
  lost_slot,    ///< a touch of the working set while its memory slot was away: served from here
  interrupted,  ///< a signal, or immediate_exit was set
};

/// A vCPU of a guest that touches real memory. run() is for one thread.
class TouchVcpu {
 public:
  /// `system` holds the image, its exception frames and `log`; `working_set` is the memory behind its slot. Both
  /// outlive the vCPU.
  TouchVcpu(kvm::FileDescriptor fd, std::size_t run_bytes, std::span<const std::byte> system,
            std::span<std::byte> working_set, const TouchLog& log, unsigned index);

  /// Runs the guest until it exits. Throws CellError, naming the exit and the guest's rip, if the guest crashed.
  TouchExit run();

  /// kvm_run->immediate_exit: while it is 1, run() returns at once. Through std::atomic_ref; never cleared here.
  std::uint8_t& immediate_exit() { return run_->immediate_exit; }

  /// What the guest logged; to be read after TouchExit::burst, while the vCPU is outside of the guest.
  const TouchLog& log() const { return log_; }
  /// How long the guest halts after TouchExit::burst, in microseconds: 0..guest_abi::kMaxIdleUs.
  std::uint64_t idle_us() const;
  int fd() const { return fd_.get(); }

 private:
  TouchExit on_mmio();
  /// Throws CellError: the vCPU, `what`, its rip.
  [[noreturn]] void fail(const std::string& what) const;

  kvm::FileDescriptor fd_;
  kvm::Mapping run_mapping_;
  kvm_run* run_;
  std::span<const std::byte> system_;
  std::span<std::byte> working_set_;
  const TouchLog& log_;
  unsigned index_;
};

}  // namespace shadowwalk::host_kvm
