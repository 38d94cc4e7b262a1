// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/machine/vcpu.hpp"

namespace shadowwalk {

/// The CPUs that one sender interrupts at once. An environment whose senders must not allocate has a specialisation.
template <class CpuType>
class IpiTargets {
 public:
  /// `most`: CPUs that will be added.
  explicit IpiTargets(std::size_t most) {
    if (most <= kOnStack) return;
    many_.resize(most);
    cpus_ = many_.data();
  }
  IpiTargets(const IpiTargets&) = delete;
  IpiTargets& operator=(const IpiTargets&) = delete;

  void add(CpuType& cpu) { cpus_[count_++] = &cpu; }
  std::span<CpuType* const> span() const { return {cpus_, count_}; }

 private:
  static constexpr std::size_t kOnStack = 64;
  std::array<CpuType*, kOnStack> few_;
  std::vector<CpuType*> many_;
  CpuType** cpus_ = few_.data();
  std::size_t count_ = 0;
};

/// kvm_make_all_cpus_request() with KVM_REQUEST_WAIT: posts the request to every vCPU, then interrupts those whose
/// mode is not outside_guest and waits until they have acknowledged. The caller's own vCPU is never interrupted.
/// Always waits, even if the request was pending already: an earlier sender may still be waiting (84261923d3dd).
/// Returns the number of vCPUs that were interrupted. The caller's interrupt gate must be open.
///
/// The type of the CPUs selects their machine's send_ipi(). Native vCPUs have an overload (cpu.hpp).
template <class VcpuType>
std::size_t make_all_cpus_request(std::span<VcpuType* const> vcpus, std::uint32_t request_bits) {
  using CpuType = typename VcpuType::Cpu;
  IpiTargets<CpuType> interrupted(vcpus.size());
  std::uint32_t pending_everywhere = request_bits;
  for (VcpuType* vcpu : vcpus) pending_everywhere &= vcpu->post(request_bits);
  if (CpuType::has_bug(Mutant::second_flusher_returns_early) && pending_everywhere == request_bits) return 0;
  // Between the requests and the modes, as in the kernel: pairs with the exchange in enter_guest_mode() and with the
  // read side of irq-ipi ("mode = READING; full barrier; read SPTE" against "unlink; full barrier; read mode").
  if (!CpuType::has_bug(Mutant::request_without_barrier)) CpuType::full_fence();

  for (VcpuType* vcpu : vcpus) {
    if (CpuType::has_bug(Mutant::request_without_barrier) &&
        vcpu->mode.load(std::memory_order_acquire) == VcpuMode::outside_guest) {
      continue;  // the cmpxchg would be a barrier
    }
    VcpuMode mode = VcpuMode::in_guest;
    // acquire on failure pairs with the release store of outside_guest at the end of a section: its reads are over.
    vcpu->mode.compare_exchange_strong(mode, VcpuMode::exiting, std::memory_order_seq_cst, std::memory_order_acquire);
    if (mode != VcpuMode::outside_guest && vcpu != CpuType::current()) interrupted.add(*vcpu);
  }
  if (!interrupted.span().empty()) send_ipi(interrupted.span());
  return interrupted.span().size();
}

}  // namespace shadowwalk
