#include "harness/guest/kvm_guest.hpp"

#include <fmt/core.h>

#include <cstring>

#include "harness/guest/guest_abi.hpp"
#include "harness/guest/guest_kinds.hpp"
#include "harness/guest/kvm_x86.hpp"

namespace shadowwalk {
namespace kvm {

KvmGuestVcpu::KvmGuestVcpu(KvmVcpu vcpu, std::byte* ring, unsigned burst, unsigned index)
    : vcpu_(std::move(vcpu)), ring_(ring, burst, index), burst_(burst) {}

std::span<const Access> KvmGuestVcpu::enter() {
  switch (vcpu_.run()) {
    case KvmExit::doorbell:
      if (burst_ > 1) return ring_.take();
      vcpu_.fail_on_exit();
    case KvmExit::mmio:
      return on_mmio();
    case KvmExit::interrupted:
      break;
  }
  return {};
}

std::span<const Access> KvmGuestVcpu::on_mmio() {
  auto& mmio = vcpu_.mmio();
  const bool in_aperture = mmio.phys_addr >= guest_abi::kApertureBase &&
                           mmio.phys_addr - guest_abi::kApertureBase < guest_abi::kApertureBytes;
  if (burst_ > 1 || !in_aperture) vcpu_.fail_on_exit();
  std::memset(mmio.data, 0, sizeof mmio.data);  // what a load gets; no program looks at it
  const std::span<const Access> access = ring_.take();
  const bool writes = is_store(access[0].kind());
  if (guest_abi::aperture_address(access[0]) != mmio.phys_addr || writes != (mmio.is_write != 0)) {
    vcpu_.fail(fmt::format("KVM_EXIT_MMIO: {} at gpa {:#x}, but the ring says {} gfn {:#x}: the guest lies",
                           mmio.is_write ? "write" : "read", +mmio.phys_addr, writes ? "write" : "read",
                           access[0].gfn()));
  }
  return access;
}

KvmGuest::KvmGuest(const GuestConfig& config) : vm_(config.program.image, config.vcpus) {
  for (unsigned i = 0; i < config.vcpus; ++i) {
    vcpus_.push_back(
        std::make_unique<KvmGuestVcpu>(vm_.make_vcpu(config, i, "guest"), vm_.at(vcpu_area(i).ring), config.burst, i));
  }
  vm_.open_statistics();
}

}  // namespace kvm

std::unique_ptr<Guest> make_kvm_guest(const GuestConfig& config) { return std::make_unique<kvm::KvmGuest>(config); }

}  // namespace shadowwalk
