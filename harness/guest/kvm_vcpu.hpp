#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <span>
#include <string>

#include "harness/guest/access_ring.hpp"
#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_handle.hpp"

namespace shadowwalk::kvm {

/// A vCPU's exits, turned into accesses. enter() is for one thread, any one; KVM does not care who created the vCPU.
class KvmVcpu final : public GuestVcpu {
 public:
  /// `ram` is all of the guest's memory and outlives the vCPU; `ring` lies in it.
  KvmVcpu(FileDescriptor fd, std::size_t run_bytes, std::span<const std::byte> ram, std::byte* ring, unsigned burst,
          unsigned index);

  std::span<const Access> enter() override;
  std::uint64_t idle_us() const override { return ring_.idle_us(); }
  std::uint8_t& immediate_exit() override { return run_->immediate_exit; }

  /// For its statistics, and for tests that break a guest on purpose.
  int fd() const { return fd_.get(); }

 private:
  std::span<const Access> on_port();
  std::span<const Access> on_mmio();
  /// Throws CellError: the vCPU, `what`, its rip.
  [[noreturn]] void fail(const std::string& what) const;

  FileDescriptor fd_;
  Mapping run_mapping_;
  kvm_run* run_;
  std::span<const std::byte> ram_;
  AccessRing ring_;
  unsigned burst_;
  unsigned index_;
};

}  // namespace shadowwalk::kvm
