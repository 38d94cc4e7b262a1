#include "harness/guest/kvm_vcpu.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "harness/guest/guest_abi.hpp"
#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kvm {

// `+` copies packed fields, which cannot be bound to references.
std::string describe_exit(const kvm_run& run) {
  switch (run.exit_reason) {
    case KVM_EXIT_IO:
      return fmt::format("unexpected KVM_EXIT_IO: {} of {} x {} bytes, port {:#x}",
                         run.io.direction == KVM_EXIT_IO_OUT ? "out" : "in", +run.io.count, +run.io.size, +run.io.port);
    case KVM_EXIT_MMIO:
      return fmt::format("unexpected KVM_EXIT_MMIO: {} of {} bytes at gpa {:#x}", run.mmio.is_write ? "write" : "read",
                         +run.mmio.len, +run.mmio.phys_addr);
    case KVM_EXIT_HLT:
      return "unexpected KVM_EXIT_HLT";
    case KVM_EXIT_SHUTDOWN:
      return "KVM_EXIT_SHUTDOWN: triple fault (a rip of 0xfff0 or 0 is that of KVM's reset, not of the fault)";
    case KVM_EXIT_FAIL_ENTRY:
      return fmt::format("KVM_EXIT_FAIL_ENTRY: hardware reason {:#x}, CPU {}",
                         +run.fail_entry.hardware_entry_failure_reason, +run.fail_entry.cpu);
    case KVM_EXIT_UNKNOWN:
      return fmt::format("KVM_EXIT_UNKNOWN: hardware reason {:#x}", +run.hw.hardware_exit_reason);
    case KVM_EXIT_INTERNAL_ERROR: {
      std::string text = fmt::format("KVM_EXIT_INTERNAL_ERROR: suberror {}", +run.internal.suberror);
      if (run.internal.suberror == KVM_INTERNAL_ERROR_EMULATION) text += " (an instruction that KVM cannot emulate)";
      const auto count = std::min<std::size_t>(run.internal.ndata, std::size(run.internal.data));
      for (std::size_t i = 0; i < count; ++i)
        text += fmt::format("{} {:#x}", i == 0 ? ", data" : "", +run.internal.data[i]);
      return text;
    }
    default:
      return fmt::format("unexpected KVM exit reason {}", run.exit_reason);
  }
}

KvmVcpu::KvmVcpu(FileDescriptor fd, std::size_t run_bytes, std::span<const std::byte> ram, std::string name)
    : fd_(std::move(fd)),
      run_mapping_(Mapping::shared(fd_.get(), run_bytes, "kvm_run")),
      run_(reinterpret_cast<kvm_run*>(run_mapping_.bytes().data())),
      ram_(ram),
      name_(std::move(name)) {}

KvmExit KvmVcpu::run() {
  if (ioctl(fd(), KVM_RUN, 0) < 0) {
    if (errno == EINTR) return KvmExit::interrupted;
    fail(fmt::format("KVM_RUN: {}", strerror(errno)));
  }
  const auto& io = run_->io;
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      if (io.direction == KVM_EXIT_IO_OUT && io.size == 1 && io.count == 1) {
        if (io.port == guest_abi::kDoorbellPort) return KvmExit::doorbell;
        if (io.port == guest_abi::kExceptionPort) fail(describe_exception(fd(), ram_));
      }
      fail_on_exit();
    case KVM_EXIT_MMIO:
      return KvmExit::mmio;
    case KVM_EXIT_INTR:
      return KvmExit::interrupted;
    default:
      fail_on_exit();
  }
}

void KvmVcpu::fail(const std::string& what) const {
  throw CellError(fmt::format("{}: {}; {}", name_, what, describe_rip(fd())));
}

}  // namespace shadowwalk::kvm
