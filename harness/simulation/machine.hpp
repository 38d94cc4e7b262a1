#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/machine/request_all_cpus.hpp"
#include "harness/machine/vcpu.hpp"
#include "harness/simulation/atomic.hpp"
#include "harness/simulation/cpu.hpp"
#include "harness/simulation/mmu_lock.hpp"
#include "harness/simulation/rcu.hpp"

namespace shadowwalk {

/// The second machine: what NativeMachine offers (harness/machine/native_machine.hpp), on the CPUs of the current
/// simulation::Execution. Variants, tree, walker and zapper run on it as they are.
class SimulatedMachine {
 public:
  template <class T>
  using Atomic = simulation::Atomic<T>;
  using Vcpu = BasicVcpu<simulation::Cpu, simulation::Atomic>;
  using MmuLock = simulation::MmuLock;
  using Rcu = simulation::Rcu;
  using RcuHead = shadowwalk::RcuHead;
  struct Backoff {
    static void wait() { simulation::Execution::current().wait_for_change(); }
  };

  static bool has(Mutant mutant) { return simulation::Cpu::has(mutant); }
  static void full_fence(simulation::SourceLine where = simulation::SourceLine::current()) {
    simulation::Cpu::full_fence(where);
  }
  static void mfence(simulation::SourceLine where = simulation::SourceLine::current()) {
    simulation::Cpu::full_fence(where);
  }
  static void full_fence_beside_atomic() {}  // the atomic operation is a full barrier
  static void compiler_barrier() {}          // programs run as they are written
  /// All CPUs' barriers at one moment: as a grace period's (rcu.hpp).
  static void membarrier_all(simulation::SourceLine where = simulation::SourceLine::current()) {
    simulation::Execution& execution = simulation::Execution::current();
    if (!execution.passes(where, simulation::Site::Kind::full_fence)) execution.fence_all();
  }

  /// There is no time.
  static std::uint64_t now() { return 0; }
  static double to_ns(std::uint64_t ticks) { return static_cast<double>(ticks); }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return ticks; }

  /// vCPU i is the execution's CPU i.
  explicit SimulatedMachine(unsigned vcpus) {
    for (unsigned i = 0; i < vcpus; ++i) {
      owned_.push_back(std::make_unique<Vcpu>());
      owned_.back()->bind(i);
      owned_.back()->set_names("vCPU " + std::to_string(i));
      vcpus_.push_back(owned_.back().get());
    }
  }

  std::span<Vcpu* const> vcpus() const { return vcpus_; }
  void flush_remote_tlbs(simulation::SourceLine where = simulation::SourceLine::current()) {
    if (simulation::Execution::current().passes(where, simulation::Site::Kind::flush)) return;
    request_all_cpus(vcpus(), kRequestTlbFlush);
  }
  void request_root_reload() { request_all_cpus(vcpus(), kRequestReloadRoot); }

  void interrupt(std::span<Vcpu* const> targets) {
    const std::vector<simulation::Cpu*> cpus(targets.begin(), targets.end());
    simulation::send_ipi(cpus);
  }

  Rcu& rcu() {
    if (!rcu_) rcu_.emplace();
    return *rcu_;
  }
  static void trace_delay_free_pages(std::size_t) {}

  /// Retired pages at which a scheme that scans does so: at once, since what can happen is asked, and not what it
  /// costs.
  static std::size_t retire_threshold(std::size_t /*protected_pages*/) { return 1; }
  static constexpr unsigned amortised_over(unsigned /*operations*/) { return 1; }

 private:
  std::vector<std::unique_ptr<Vcpu>> owned_;
  std::vector<Vcpu*> vcpus_;
  std::optional<Rcu> rcu_;
};

}  // namespace shadowwalk
