#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "harness/guest/kvm_vcpu.hpp"
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
  /// `log` lies in the RAM of `vcpu`; `working_set` is the memory behind its slot, and outlives the vCPU.
  TouchVcpu(kvm::KvmVcpu vcpu, std::span<std::byte> working_set, const TouchLog& log)
      : vcpu_(std::move(vcpu)), working_set_(working_set), log_(log) {}

  /// Runs the guest until it exits. Throws CellError, naming the exit and the guest's rip, if the guest crashed.
  TouchExit run();

  /// kvm_run->immediate_exit: while it is 1, run() returns at once. Through std::atomic_ref; never cleared here.
  std::uint8_t& immediate_exit() { return vcpu_.immediate_exit(); }

  /// What the guest logged; to be read after TouchExit::burst, while the vCPU is outside of the guest.
  const TouchLog& log() const { return log_; }
  /// How long the guest halts after TouchExit::burst, in microseconds: 0..guest_abi::kMaxIdleUs.
  std::uint64_t idle_us() const;
  int fd() const { return vcpu_.fd(); }

 private:
  TouchExit on_mmio();

  kvm::KvmVcpu vcpu_;
  std::span<std::byte> working_set_;
  const TouchLog& log_;
};

}  // namespace shadowwalk::host_kvm
