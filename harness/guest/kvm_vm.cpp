#include "harness/guest/kvm_vm.hpp"

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

KvmVm::KvmVm(std::span<const std::byte> image, unsigned vcpus)
    : kvm_(open_kvm()), ram_(Mapping::anonymous(ram_bytes(vcpus), "guest RAM")) {
  check_vcpus(kvm_.get(), vcpus);
  build_memory(ram_.bytes(), image, vcpus);
  vm_ = make_vm(kvm_.get());
  set_memory_slot(vm_.get(), 0, kRamBase, ram_.bytes());
  statistics_fds_.push_back(vm_.get());
}

std::byte* KvmVm::at(std::uint64_t address) const { return ram_.bytes().data() + (address - kRamBase); }

KvmVcpu KvmVm::make_vcpu(const GuestConfig& config, unsigned index, const char* owner) {
  const int run_bytes = SHADOWWALK_KVM_IOCTL(kvm_.get(), KVM_GET_VCPU_MMAP_SIZE);
  FileDescriptor fd(SHADOWWALK_KVM_IOCTL(vm_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(index)));
  set_cpuid(kvm_.get(), fd.get());
  set_initial_registers(fd.get(), index);
  const GuestProgramState state = initial_state(config, index);
  std::memcpy(at(vcpu_area(index).state), &state, sizeof state);
  statistics_fds_.push_back(fd.get());
  return KvmVcpu(std::move(fd), static_cast<std::size_t>(run_bytes), ram_.bytes(),
                 fmt::format("{} vCPU {}", owner, index));
}

void KvmVm::open_statistics() { statistics_ = KvmStatisticsReader(statistics_fds_); }

}  // namespace shadowwalk::kvm
