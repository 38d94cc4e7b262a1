// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace shadowwalk {

/// One T per vCPU of a machine, each on cache lines of its own.
template <class Machine, class T>
class PerVcpu {
 public:
  explicit PerVcpu(const Machine& machine) : vcpus_(machine.vcpus()), slots_(new Slot[vcpus_.size()]) {}

  std::size_t size() const { return vcpus_.size(); }
  T& operator[](std::size_t index) const { return slots_[index].value; }
  T& of(const typename Machine::Vcpu& vcpu) const {
    return (*this)[static_cast<std::size_t>(std::find(vcpus_.begin(), vcpus_.end(), &vcpu) - vcpus_.begin())];
  }
  typename Machine::Vcpu& vcpu(std::size_t index) const { return *vcpus_[index]; }

 private:
  struct alignas(64) Slot {
    T value{};
  };

  const std::span<typename Machine::Vcpu* const> vcpus_;
  const std::unique_ptr<Slot[]> slots_;
};

}  // namespace shadowwalk
