#pragma once

#include <memory>
#include <span>
#include <vector>

#include "harness/guest/access_ring.hpp"
#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_vm.hpp"

namespace shadowwalk::kvm {

/// A vCPU's exits, turned into accesses.
class KvmGuestVcpu final : public GuestVcpu {
 public:
  /// `ring` lies in the RAM of `vcpu`.
  KvmGuestVcpu(KvmVcpu vcpu, std::byte* ring, unsigned burst, unsigned index);

  std::span<const Access> enter() override;
  std::uint64_t idle_us() const override { return ring_.idle_us(); }
  std::uint8_t& immediate_exit() override { return vcpu_.immediate_exit(); }

  /// For tests that break a guest on purpose, and for benchmarks of KVM_RUN alone.
  int fd() const { return vcpu_.fd(); }

 private:
  std::span<const Access> on_mmio();

  KvmVcpu vcpu_;
  AccessRing ring_;
  unsigned burst_;
};

/// A guest whose memory is one slot with everything in it: its accesses go to the aperture or through the ring.
class KvmGuest final : public Guest {
 public:
  explicit KvmGuest(const GuestConfig& config);
  KvmGuestVcpu& vcpu(unsigned index) override { return *vcpus_.at(index); }
  KvmStatistics statistics() const override { return vm_.statistics(); }

 private:
  KvmVm vm_;
  std::vector<std::unique_ptr<KvmGuestVcpu>> vcpus_;
};

}  // namespace shadowwalk::kvm
