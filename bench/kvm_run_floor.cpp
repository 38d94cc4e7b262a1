#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "bench/exit_guest.hpp"
#include "bench/families.hpp"
#include "bench/threads.hpp"
#include "harness/guest/kvm_guest.hpp"
#include "harness/guest/kvm_handle.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::bench {
namespace {

std::size_t kvm_run_bytes() {
  const kvm::FileDescriptor device(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  return static_cast<std::size_t>(SHADOWWALK_KVM_IOCTL(device.get(), KVM_GET_VCPU_MMAP_SIZE));
}

/// The same guest and exit with what KVM demands and no more: it completes an access by itself at the next KVM_RUN.
void bare_exit(benchmark::State& state, unsigned burst) {
  const PinnedThread pinned(0);
  kvm::KvmGuest guest(exit_guest(burst));
  const int fd = guest.vcpu(0).fd();
  const kvm::Mapping mapping = kvm::Mapping::shared(fd, kvm_run_bytes(), "kvm_run");
  const volatile std::uint32_t& reason = reinterpret_cast<const kvm_run*>(mapping.bytes().data())->exit_reason;
  const std::uint32_t expected = burst == 1 ? KVM_EXIT_MMIO : KVM_EXIT_IO;
  for (auto _ : state) {
    if (ioctl(fd, KVM_RUN, 0) < 0) throw CellError(std::string("KVM_RUN: ") + std::strerror(errno));
    if (reason != expected) throw CellError("an exit of another kind: reason " + std::to_string(reason));
  }
}

}  // namespace

void register_kvm_run_floors() { add_exits("floor/kvm_run", bare_exit); }

}  // namespace shadowwalk::bench
