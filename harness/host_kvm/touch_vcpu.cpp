#include "harness/host_kvm/touch_vcpu.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "harness/guest/kvm_exit.hpp"
#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::host_kvm {

TouchVcpu::TouchVcpu(kvm::FileDescriptor fd, std::size_t run_bytes, std::span<const std::byte> system,
                     std::span<std::byte> working_set, const TouchLog& log, unsigned index)
    : fd_(std::move(fd)),
      run_mapping_(kvm::Mapping::shared(fd_.get(), run_bytes, "kvm_run")),
      run_(reinterpret_cast<kvm_run*>(run_mapping_.bytes().data())),
      system_(system),
      working_set_(working_set),
      log_(log),
      index_(index) {}

TouchExit TouchVcpu::run() {
  if (ioctl(fd_.get(), KVM_RUN, 0) < 0) {
    if (errno == EINTR) return TouchExit::interrupted;
    fail(fmt::format("KVM_RUN: {}", strerror(errno)));
  }
  const auto& io = run_->io;
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      if (io.direction == KVM_EXIT_IO_OUT && io.size == 1 && io.count == 1) {
        if (io.port == guest_abi::kDoorbellPort) return TouchExit::burst;
        if (io.port == guest_abi::kExceptionPort) fail(kvm::describe_exception(fd(), system_));
      }
      fail(kvm::describe_exit(*run_));
    case KVM_EXIT_MMIO:
      return on_mmio();
    case KVM_EXIT_INTR:
      return TouchExit::interrupted;
    default:
      fail(kvm::describe_exit(*run_));
  }
}

// While the working set's slot is away (it is being flipped) its pages have no memory that KVM knows of; the memory is
// there, and a touch of it is served as a VMM does that does not stop its vCPUs meanwhile. The guest touches aligned
// words only. Other vCPUs, and the guest at large, may touch the word at the same time: hence the atomic_ref.
TouchExit TouchVcpu::on_mmio() {
  auto& mmio = run_->mmio;
  const std::uint64_t address = mmio.phys_addr;
  if (address - kDeviceBase < kDeviceBytes) {
    std::memset(mmio.data, 0, sizeof mmio.data);
    return TouchExit::device;
  }
  const std::uint64_t offset = address - kWorkingSetBase;
  std::uint64_t value = 0;
  if (offset >= working_set_.size() || mmio.len != sizeof value || offset % sizeof value != 0) {
    fail(kvm::describe_exit(*run_));
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

void TouchVcpu::fail(const std::string& what) const {
  throw CellError(fmt::format("host-kvm vCPU {}: {}; {}", index_, what, kvm::describe_rip(fd())));
}

}  // namespace shadowwalk::host_kvm
