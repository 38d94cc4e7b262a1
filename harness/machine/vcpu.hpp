// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/machine/mutant.hpp"

namespace shadowwalk {

/// vcpu->mode of the kernel (include/linux/kvm_host.h).
enum class VcpuMode : std::uint32_t {
  outside_guest = 0,
  in_guest = 1,
  exiting = 2,
  reading_shadow_page_tables = 3,
};

/// vcpu->requests: bits that the vCPU checks before it enters the guest.
enum VcpuRequest : std::uint32_t {
  kRequestTlbFlush = 1u << 0,
  kRequestReloadRoot = 1u << 1,  ///< KVM_REQ_MMU_FREE_OBSOLETE_ROOTS
  kRequestStop = 1u << 2,
};

/// A vCPU thread: the CPU it runs on, its mode word and its request bits. `CpuType` (see MachineCpu in machine.hpp) and
/// `Atomic` are a machine's. The native machine's vCPU is `Vcpu` in cpu.hpp.
template <class CpuType, template <class> class Atomic>
class BasicVcpu : public CpuType {
 public:
  using Cpu = CpuType;

  /// kvm_run->immediate_exit, or the thread guest's twin. Set once, before the vCPU's thread starts.
  void set_immediate_exit(std::uint8_t* byte) { this->immediate_exit_ = byte; }

  /// The step from host to guest of vcpu_enter_guest(). True: the mode is in_guest, run the guest now. False: requests
  /// are pending, the mode is outside_guest; serve them (take_requests) and try again. Own thread only.
  bool enter_guest_mode() {
    // Cleared before the mode is in_guest: a kicker that finds in_guest sets it after this store.
    if (std::uint8_t* const byte = this->immediate_exit_; byte != nullptr) {
      std::atomic_ref(*byte).store(0, std::memory_order_relaxed);
    }
    // Store buffering against make_request(): "mode = in_guest; full barrier; read requests" here, "set request; full
    // barrier; read mode" there. seq_cst exchange is store and full barrier in one.
    mode.exchange(VcpuMode::in_guest, std::memory_order_seq_cst);
    // An IPI whose handler has not run yet must be served first: ThreadSanitizer delays handlers, and a guest that
    // spins would never return for it. acquire pairs with post()'s release.
    const bool unserved_ipi = this->ipis_requested() != this->ipis_acknowledged();
    if (CpuType::has_bug(Mutant::guest_entry_ignores_requests)) return true;
    if (requests_.load(std::memory_order_acquire) == 0 && !unserved_ipi) return true;
    leave_guest_mode();
    return false;
  }
  /// release: everything of the guest's run comes before; pairs with the cmpxchg in make_all_cpus_request().
  void leave_guest_mode() { mode.store(VcpuMode::outside_guest, std::memory_order_release); }

  /// Takes and clears all pending requests. Own thread only.
  std::uint32_t take_requests() {
    if (requests_.load(std::memory_order_relaxed) == 0) return 0;
    if (CpuType::has_bug(Mutant::request_cleared_unlocked)) {
      const std::uint32_t taken = requests_.load(std::memory_order_relaxed);
      requests_.store(0, std::memory_order_relaxed);
      return taken;
    }
    // acquire pairs with post()'s release: what the requester prepared is visible to the vCPU that serves.
    return requests_.exchange(0, std::memory_order_acquire);
  }
  /// Whether one of these requests is pending; it stays pending. Own thread only.
  bool has_request(std::uint32_t request_bits) const {
    return (requests_.load(std::memory_order_relaxed) & request_bits) != 0;  // relaxed: take_requests() will acquire
  }

  /// Sets request bits and interrupts no one: make_all_cpus_request() does both. Returns those that were pending.
  std::uint32_t post(std::uint32_t request_bits) {
    if (CpuType::has_bug(Mutant::request_without_barrier)) {
      const std::uint32_t pending = requests_.load(std::memory_order_relaxed);
      requests_.store(pending | request_bits, std::memory_order_relaxed);
      return pending;
    }
    return requests_.fetch_or(request_bits, std::memory_order_seq_cst);  // the store of the store buffering above
  }

  /// Calls name(variable, what) for each shared variable, for the stories of a simulated machine.
  template <class Name>
  void name_variables(Name name) {
    name(mode, "mode");
    name(requests_, "requests");
  }

  /// Alone on its line, as the read side of irq-ipi writes it twice per walk.
  alignas(64) Atomic<VcpuMode> mode{VcpuMode::outside_guest};

 private:
  alignas(64) Atomic<std::uint32_t> requests_{0};
};

}  // namespace shadowwalk
