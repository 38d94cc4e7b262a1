#include "harness/guest/kvm_setup.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/kvm.h>

#include <cerrno>
#include <cstring>

#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kvm {
namespace {

// By default an instruction that KVM cannot emulate becomes an invalid-opcode exception in a guest at CPL 3, which
// hides the cause. Where KVM is too old for this (before 5.12), that is what it stays.
void exit_on_emulation_failure(int vm_fd) {
  if (SHADOWWALK_KVM_IOCTL(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_EXIT_ON_EMULATION_FAILURE) <= 0) return;
  kvm_enable_cap enable{};
  enable.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE;
  enable.args[0] = 1;
  SHADOWWALK_KVM_IOCTL(vm_fd, KVM_ENABLE_CAP, &enable);
}

kvm_segment segment(std::uint16_t selector, std::uint8_t type, bool code) {
  kvm_segment result{};
  result.limit = 0xffffffff;
  result.selector = selector;
  result.type = type;
  result.present = 1;
  result.dpl = 3;
  result.db = code ? 0 : 1;
  result.s = 1;
  result.l = code ? 1 : 0;
  result.g = 1;
  return result;
}

}  // namespace

FileDescriptor open_kvm() {
  FileDescriptor kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (kvm.get() < 0) throw CellError(fmt::format("guest kvm: /dev/kvm: {}", strerror(errno)));
  return kvm;
}

// KVM_CAP_NR_VCPUS only recommends; on small hosts it is the number of CPUs.
void check_vcpus(int kvm_fd, unsigned vcpus) {
  const int most = SHADOWWALK_KVM_IOCTL(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
  if (most > 0 && vcpus > static_cast<unsigned>(most)) {
    throw InputError(fmt::format("guest kvm: {} vCPUs: this host's KVM makes at most {}", vcpus, most));
  }
}

FileDescriptor make_vm(int kvm_fd) {
  FileDescriptor vm(SHADOWWALK_KVM_IOCTL(kvm_fd, KVM_CREATE_VM));
  set_tss_address(vm.get());
  exit_on_emulation_failure(vm.get());
  return vm;
}

void set_memory_slot(int vm_fd, unsigned slot, std::uint64_t address, std::span<std::byte> memory,
                     std::uint32_t flags) {
  kvm_userspace_memory_region region{};
  region.slot = slot;
  region.flags = flags;
  region.guest_phys_addr = address;
  region.memory_size = memory.size();
  region.userspace_addr = reinterpret_cast<std::uint64_t>(memory.data());
  SHADOWWALK_KVM_IOCTL(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

void set_user_segments(kvm_sregs& sregs, std::uint16_t code_selector, std::uint16_t data_selector) {
  constexpr std::uint8_t kExecuteRead = 11, kReadWrite = 3;  // and accessed
  sregs.cs = segment(code_selector, kExecuteRead, true);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(data_selector, kReadWrite, false);
}

}  // namespace shadowwalk::kvm
