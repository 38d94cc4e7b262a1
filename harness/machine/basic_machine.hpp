// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "harness/machine/machine.hpp"
#include "harness/machine/request_all_cpus.hpp"
#include "harness/machine/vcpu.hpp"

namespace shadowwalk {

/// The part of a Machine (machine.hpp has the contract) that all machines share: the vCPUs it owns, the flush protocol,
/// RCU that starts with its first use, the observer of IPIs. `Derived` is the machine. Its `now()` is called here; it
/// hides what it does otherwise, by a member of the same name.
template <class Derived, class VcpuType, class RcuType>
class BasicMachine {
 public:
  using Vcpu = VcpuType;
  using Rcu = RcuType;
  using RcuHead = shadowwalk::RcuHead;
  using IpiObserver = shadowwalk::IpiObserver;
  using Mutex = std::mutex;

  std::span<Vcpu* const> vcpus() const { return vcpus_; }

  void flush_remote_tlbs() { request_all(kRequestTlbFlush); }
  void request_root_reload() { request_all(kRequestReloadRoot); }

  void interrupt(std::span<Vcpu* const> targets) {
    const std::uint64_t start = Derived::now();
    IpiTargets<typename Vcpu::Cpu> cpus(targets.size());
    for (Vcpu* const target : targets) cpus.add(*target);
    send_ipi(cpus.span());
    report_ipis(targets.size(), start);
  }
  /// Before threads start; null: no observer.
  void observe_ipis(IpiObserver* observer) { ipi_observer_ = observer; }

  Rcu& rcu() {
    if (!rcu_) rcu_.emplace(rcu_options_);
    return *rcu_;
  }
  /// Before the first rcu().
  void set_rcu_options(const typename Rcu::Options& options) { rcu_options_ = options; }
  bool has_rcu() const { return rcu_.has_value(); }
  /// Over the machine's whole life; 0 without RCU.
  std::uint64_t grace_periods() const { return rcu_ ? rcu_->grace_periods() : 0; }

  static std::uint64_t address_of(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory); }
  static void* at_address(std::uint64_t address) { return reinterpret_cast<void*>(address); }
  static void trace_delay_free_pages(std::size_t) {}
  static std::size_t retire_threshold(std::size_t protected_pages) {
    return std::max<std::size_t>(64, 2 * protected_pages);
  }
  static constexpr unsigned amortised_over(unsigned operations) { return operations; }

 protected:
  explicit BasicMachine(unsigned vcpus) {
    for (unsigned i = 0; i < vcpus; ++i) {
      owned_.push_back(std::make_unique<Vcpu>());
      vcpus_.push_back(owned_.back().get());
    }
  }
  ~BasicMachine() = default;

  const typename Rcu::Options& rcu_options() const { return rcu_options_; }
  static void trace_ipis(std::size_t /*sent*/, std::uint64_t /*start*/) {}

 private:
  void request_all(std::uint32_t request) {
    const std::uint64_t start = Derived::now();
    report_ipis(make_all_cpus_request(vcpus(), request), start);
  }
  void report_ipis(std::size_t sent, std::uint64_t start) {
    if (sent == 0) return;
    Derived::trace_ipis(sent, start);
    if (ipi_observer_ != nullptr) ipi_observer_->on_ipis(sent, Derived::now() - start);
  }

  std::vector<std::unique_ptr<Vcpu>> owned_;
  std::vector<Vcpu*> vcpus_;
  IpiObserver* ipi_observer_ = nullptr;
  typename Rcu::Options rcu_options_;
  std::optional<Rcu> rcu_;
};

}  // namespace shadowwalk
