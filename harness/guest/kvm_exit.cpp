#include "harness/guest/kvm_exit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

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

}  // namespace shadowwalk::kvm
