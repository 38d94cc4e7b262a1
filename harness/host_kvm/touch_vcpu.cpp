#include "harness/host_kvm/touch_vcpu.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace shadowwalk::host_kvm {

TouchExit TouchVcpu::run() {
  switch (vcpu_.run()) {
    case kvm::KvmExit::doorbell:
      return TouchExit::burst;
    case kvm::KvmExit::mmio:
      return on_mmio();
    case kvm::KvmExit::interrupted:
      break;
  }
  return TouchExit::interrupted;
}

// While the working set's slot is away (it is being flipped) its pages have no memory that KVM knows of; the memory is
// there, and a touch of it is served as a VMM does that does not stop its vCPUs meanwhile. The guest touches aligned
// words only. Other vCPUs, and the guest at large, may touch the word at the same time: hence the atomic_ref.
TouchExit TouchVcpu::on_mmio() {
  auto& mmio = vcpu_.mmio();
  const std::uint64_t address = mmio.phys_addr;
  if (address - kDeviceBase < kDeviceBytes) {
    std::memset(mmio.data, 0, sizeof mmio.data);
    return TouchExit::device;
  }
  const std::uint64_t offset = address - kWorkingSetBase;
  std::uint64_t value = 0;
  if (offset >= working_set_.size() || mmio.len != sizeof value || offset % sizeof value != 0) {
    vcpu_.fail_on_exit();
  }
  const std::atomic_ref word(*reinterpret_cast<std::uint64_t*>(working_set_.data() + offset));
  if (mmio.is_write != 0) {
    std::memcpy(&value, mmio.data, sizeof value);
    word.store(value, std::memory_order_relaxed);
  } else {
    value = word.load(std::memory_order_relaxed);
    std::memcpy(mmio.data, &value, sizeof value);
  }
  return TouchExit::lost_slot;
}

std::uint64_t TouchVcpu::idle_us() const { return std::min(log_.idle_us, guest_abi::kMaxIdleUs); }

}  // namespace shadowwalk::host_kvm
