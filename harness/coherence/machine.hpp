#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "harness/coherence/atomic.hpp"
#include "harness/coherence/cpu.hpp"
#include "harness/coherence/mmu_lock.hpp"
#include "harness/coherence/rcu.hpp"
#include "harness/machine/request_all_cpus.hpp"
#include "harness/machine/vcpu.hpp"

namespace shadowwalk {

/// The second machine with clocks: what NativeMachine offers (harness/machine/native_machine.hpp), on the CPUs of the
/// current coherence::Execution. Variants, tree, walker and zapper run on it as they are, and what they take is what
/// the topology says that lines, locked operations and IPIs cost.
class CoherentMachine {
 public:
  template <class T>
  using Atomic = coherence::Atomic<T>;
  using Vcpu = BasicVcpu<coherence::Cpu, coherence::Atomic>;
  using MmuLock = coherence::MmuLock;
  using Rcu = coherence::Rcu;
  using RcuHead = shadowwalk::RcuHead;
  struct Backoff {
    static void wait() {
      constexpr coherence::Picoseconds kWait = 100'000;
      if (coherence::Processor* const cpu = coherence::Processor::running()) cpu->sleep_until(cpu->now() + kWait);
    }
  };

  static constexpr bool has(Mutant) { return false; }
  static void full_fence() { coherence::Cpu::full_fence(); }
  static void mfence() {
    if (coherence::Processor* const cpu = coherence::Processor::running()) cpu->fence();
  }
  static void full_fence_beside_atomic() {}  // the atomic operation is a full barrier
  static void compiler_barrier() {}          // takes no time
  static void membarrier_all() { coherence::membarrier_all(); }

  /// Picoseconds of the running CPU's time.
  static std::uint64_t now() { return static_cast<std::uint64_t>(coherence::Execution::current().now()); }
  static double to_ns(std::uint64_t ticks) { return static_cast<double>(ticks) / 1e3; }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return (ticks + 500) / 1000; }

  /// vCPU i is the execution's CPU i.
  explicit CoherentMachine(unsigned vcpus) {
    for (unsigned i = 0; i < vcpus; ++i) {
      owned_.push_back(std::make_unique<Vcpu>());
      owned_.back()->bind(i);
      vcpus_.push_back(owned_.back().get());
    }
  }

  std::span<Vcpu* const> vcpus() const { return vcpus_; }
  void flush_remote_tlbs() { interrupt_vcpus(kRequestTlbFlush); }
  void request_root_reload() { interrupt_vcpus(kRequestReloadRoot); }

  void interrupt(std::span<Vcpu* const> targets) {
    const std::uint64_t start = now();
    const std::vector<coherence::Cpu*> cpus(targets.begin(), targets.end());
    coherence::send_ipi(cpus);
    tell_of_ipis(targets.size(), start);
  }

  /// As NativeMachine's.
  struct IpiObserver {
    virtual ~IpiObserver() = default;
    virtual void on_ipis(std::size_t sent, std::uint64_t ticks) = 0;
  };
  void observe_ipis(IpiObserver* observer) { ipi_observer_ = observer; }

  Rcu& rcu() {
    if (!rcu_) rcu_.emplace(rcu_options_);
    return *rcu_;
  }
  void set_rcu_options(const Rcu::Options& options) { rcu_options_ = options; }
  bool has_rcu() const { return rcu_.has_value(); }
  /// In the machine's whole life; 0 without RCU.
  std::uint64_t grace_periods() const { return rcu_ ? rcu_->grace_periods() : 0; }
  static void trace_delay_free_pages(std::size_t) {}

  static std::size_t retire_threshold(std::size_t protected_pages) {
    return std::max<std::size_t>(64, 2 * protected_pages);
  }
  static constexpr unsigned amortised_over(unsigned operations) { return operations; }

 private:
  void interrupt_vcpus(std::uint32_t request) {
    const std::uint64_t start = now();
    tell_of_ipis(request_all_cpus(vcpus(), request), start);
  }
  void tell_of_ipis(std::size_t sent, std::uint64_t start) {
    if (sent != 0 && ipi_observer_ != nullptr) ipi_observer_->on_ipis(sent, now() - start);
  }

  std::vector<std::unique_ptr<Vcpu>> owned_;
  std::vector<Vcpu*> vcpus_;
  IpiObserver* ipi_observer_ = nullptr;
  Rcu::Options rcu_options_;
  std::optional<Rcu> rcu_;
};

}  // namespace shadowwalk
