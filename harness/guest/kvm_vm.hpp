#pragma once

#include <memory>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_handle.hpp"
#include "harness/guest/kvm_statistics_reader.hpp"
#include "harness/guest/kvm_vcpu.hpp"

namespace shadowwalk::kvm {

/// A VM: one memory slot with everything in it, and its vCPUs.
class KvmVm final : public Guest {
 public:
  explicit KvmVm(const GuestConfig& config);
  KvmVcpu& vcpu(unsigned index) override { return *vcpus_.at(index); }
  KvmStatistics statistics() const override { return statistics_.read(); }

 private:
  std::unique_ptr<KvmVcpu> make_vcpu(const GuestConfig& config, unsigned index, std::size_t run_bytes);

  FileDescriptor kvm_;
  Mapping ram_;  // before the VM: unmapped after it is gone
  FileDescriptor vm_;
  std::vector<std::unique_ptr<KvmVcpu>> vcpus_;
  KvmStatisticsReader statistics_;
};

}  // namespace shadowwalk::kvm
