#include "harness/guest/kvm_vcpu.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "harness/guest/guest_abi.hpp"
#include "harness/guest/kvm_exit.hpp"
#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kvm {

KvmVcpu::KvmVcpu(FileDescriptor fd, std::size_t run_bytes, std::span<const std::byte> ram, std::byte* ring,
                 unsigned burst, unsigned index)
    : fd_(std::move(fd)),
      run_mapping_(Mapping::shared(fd_.get(), run_bytes, "kvm_run")),
      run_(reinterpret_cast<kvm_run*>(run_mapping_.bytes().data())),
      ram_(ram),
      ring_(ring, burst, index),
      burst_(burst),
      index_(index) {}

// An exit that carries an access is completed by KVM at the *next* KVM_RUN, before it looks at immediate_exit: an
// EINTR in between neither loses nor repeats it.
std::span<const Access> KvmVcpu::enter() {
  if (ioctl(fd_.get(), KVM_RUN, 0) < 0) {
    if (errno == EINTR) return {};
    fail(fmt::format("KVM_RUN: {}", strerror(errno)));
  }
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      return on_port();
    case KVM_EXIT_MMIO:
      return on_mmio();
    case KVM_EXIT_INTR:
      return {};
    default:
      fail(describe_exit(*run_));
  }
}

std::span<const Access> KvmVcpu::on_port() {
  const auto& io = run_->io;
  const bool is_byte_out = io.direction == KVM_EXIT_IO_OUT && io.size == 1 && io.count == 1;
  if (is_byte_out && io.port == guest_abi::kDoorbellPort && burst_ > 1) return ring_.take();
  if (is_byte_out && io.port == guest_abi::kExceptionPort) fail(describe_exception(fd(), ram_));
  fail(describe_exit(*run_));
}

std::span<const Access> KvmVcpu::on_mmio() {
  const auto& mmio = run_->mmio;
  const bool in_aperture = mmio.phys_addr >= guest_abi::kApertureBase &&
                           mmio.phys_addr - guest_abi::kApertureBase < guest_abi::kApertureBytes;
  if (burst_ > 1 || !in_aperture) fail(describe_exit(*run_));
  std::memset(run_->mmio.data, 0, sizeof run_->mmio.data);  // what a load gets; no program looks at it
  const std::span<const Access> access = ring_.take();
  const bool writes = is_store(access[0].kind());
  if (guest_abi::aperture_address(access[0]) != mmio.phys_addr || writes != (mmio.is_write != 0)) {
    fail(fmt::format("KVM_EXIT_MMIO: {} at gpa {:#x}, but the ring says {} gfn {:#x}: the guest lies",
                     mmio.is_write ? "write" : "read", +mmio.phys_addr, writes ? "write" : "read", access[0].gfn()));
  }
  return access;
}

void KvmVcpu::fail(const std::string& what) const {
  throw CellError(fmt::format("guest vCPU {}: {}; {}", index_, what, describe_rip(fd())));
}

}  // namespace shadowwalk::kvm
