#include "harness/guest/kvm_vm.hpp"

#include <cstring>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_guest.hpp"
#include "harness/guest/kvm_setup.hpp"
#include "harness/guest/kvm_x86.hpp"

namespace shadowwalk {
namespace kvm {

KvmVm::KvmVm(const GuestConfig& config)
    : kvm_(open_kvm()), ram_(Mapping::anonymous(ram_bytes(config.vcpus), "guest RAM")) {
  check_vcpus(kvm_.get(), config.vcpus);
  build_memory(ram_.bytes(), config.program.image, config.vcpus);

  vm_ = make_vm(kvm_.get());
  set_memory_slot(vm_.get(), 0, kRamBase, ram_.bytes());

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
