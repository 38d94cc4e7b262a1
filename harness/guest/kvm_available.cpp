#include <fcntl.h>
#include <fmt/core.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_handle.hpp"

namespace shadowwalk {
namespace {

struct Capability {
  int number;
  const char* name;
};

// What kvm_vm.cpp and kvm_vcpu.cpp build on. immediate_exit is the youngest: Linux 4.12.
constexpr Capability kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

const char* open_remedy(int error) {
  switch (error) {
    case ENOENT:
      return " (load kvm_intel or kvm_amd; in a VM, enable nested virtualization; in a container, pass it in)";
    case EACCES:
    case EPERM:
      return " (add yourself to the group kvm and log in again)";
    case ENODEV:
    case ENXIO:
      return " (the kernel has no KVM for this CPU: enable virtualization in the firmware)";
    default:
      return "";
  }
}

}  // namespace

std::string kvm_unavailable_reason(const std::string& device) {
  const kvm::FileDescriptor kvm(open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (kvm.get() < 0) {
    const int error = errno;
    return fmt::format("{}: {}{}", device, strerror(error), open_remedy(error));
  }
  const int version = ioctl(kvm.get(), KVM_GET_API_VERSION, 0);
  if (version < 0) return fmt::format("{}: KVM_GET_API_VERSION: {} (is it KVM's device?)", device, strerror(errno));
  if (version != KVM_API_VERSION) {
    return fmt::format("{}: KVM API version {}, not {} (upgrade the kernel)", device, version, KVM_API_VERSION);
  }
  for (const Capability& capability : kNeeded) {
    if (ioctl(kvm.get(), KVM_CHECK_EXTENSION, capability.number) <= 0) {
      return fmt::format("{}: no {} (upgrade the kernel to 4.12 or later)", device, capability.name);
    }
  }
  // Only making a VM tells whether the hardware is there and free.
  const kvm::FileDescriptor vm(ioctl(kvm.get(), KVM_CREATE_VM, 0));
  if (vm.get() < 0) {
    return fmt::format("{}: KVM_CREATE_VM: {} (another hypervisor may hold the hardware)", device, strerror(errno));
  }
  return {};
}

}  // namespace shadowwalk
