#include "harness/guest/kvm_vm.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <cstring>

#include "harness/guest/guest_state.hpp"
#include "harness/guest/kvm_guest.hpp"
#include "harness/guest/kvm_x86.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace kvm {
namespace {

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

KvmVm::KvmVm(const GuestConfig& config)
    : kvm_(open_kvm()), ram_(Mapping::anonymous(ram_bytes(config.vcpus), "guest RAM")) {
  check_vcpus(kvm_.get(), config.vcpus);
  build_memory(ram_.bytes(), config.program.image, config.vcpus);

  vm_ = FileDescriptor(SHADOWWALK_KVM_IOCTL(kvm_.get(), KVM_CREATE_VM));
  set_tss_address(vm_.get());
  exit_on_emulation_failure(vm_.get());
  kvm_userspace_memory_region region{};
  region.guest_phys_addr = kRamBase;
  region.memory_size = ram_.bytes().size();
  region.userspace_addr = reinterpret_cast<std::uint64_t>(ram_.bytes().data());
  SHADOWWALK_KVM_IOCTL(vm_.get(), KVM_SET_USER_MEMORY_REGION, &region);

  const int run_bytes = SHADOWWALK_KVM_IOCTL(kvm_.get(), KVM_GET_VCPU_MMAP_SIZE);
  for (unsigned i = 0; i < config.vcpus; ++i) vcpus_.push_back(make_vcpu(config, i, run_bytes));

  std::vector<int> fds{vm_.get()};
  for (const auto& vcpu : vcpus_) fds.push_back(vcpu->fd());
  statistics_ = KvmStatisticsReader(fds);  // last: where descriptors run out, vCPUs come first
}

std::unique_ptr<KvmVcpu> KvmVm::make_vcpu(const GuestConfig& config, unsigned index, std::size_t run_bytes) {
  FileDescriptor fd(SHADOWWALK_KVM_IOCTL(vm_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(index)));
  set_cpuid(kvm_.get(), fd.get());
  set_initial_registers(fd.get(), index);
  const VcpuArea area = vcpu_area(index);
  const GuestProgramState state = initial_state(config, index);
  std::memcpy(ram_.bytes().data() + (area.state - kRamBase), &state, sizeof state);
  return std::make_unique<KvmVcpu>(std::move(fd), run_bytes, ram_.bytes(), ram_.bytes().data() + (area.ring - kRamBase),
                                   config.burst, index);
}

}  // namespace kvm

std::unique_ptr<Guest> make_kvm_guest(const GuestConfig& config) { return std::make_unique<kvm::KvmVm>(config); }

}  // namespace shadowwalk
