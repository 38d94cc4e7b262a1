#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "harness/machine/backoff.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/fences.hpp"
#include "harness/machine/membarrier.hpp"
#include "harness/machine/mmu_lock.hpp"
#include "harness/machine/rcu.hpp"
#include "harness/machine/remote_flush.hpp"
#include "harness/machine/vcpu.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk {

/// What lockless code may use, on the real machine. Variants, tree, walker and zapper are templates over a Machine;
/// this class is also the definition of what another Machine must offer.
class NativeMachine {
 public:
  template <class T>
  using Atomic = std::atomic<T>;
  using Vcpu = shadowwalk::Vcpu;
  using MmuLock = shadowwalk::MmuLock;
  using Rcu = shadowwalk::Rcu;
  using RcuHead = shadowwalk::RcuHead;
  using Backoff = shadowwalk::Backoff;

  static constexpr bool has(Mutant) { return false; }
  static void full_fence() { shadowwalk::full_fence(); }
  static void mfence() { shadowwalk::mfence(); }
  static void full_fence_beside_atomic() { shadowwalk::full_fence_beside_atomic(); }
  /// Keeps the compiler from reordering, and nothing more: the light half of an asymmetric fence.
  static void compiler_barrier() { shadowwalk::signal_fence(); }
  /// The heavy half: a full barrier on every CPU that runs a thread of the process. Needs register_membarrier().
  static void membarrier_all() { shadowwalk::membarrier_all(); }

  /// Ticks of the machine's clock, and their length.
  static std::uint64_t now() { return CycleClock::now(); }
  static double to_ns(std::uint64_t ticks) { return CycleClock::to_ns(ticks); }
  static std::uint64_t to_whole_ns(std::uint64_t ticks) { return CycleClock::to_whole_ns(ticks); }

  explicit NativeMachine(unsigned vcpus) {
    for (unsigned i = 0; i < vcpus; ++i) {
      owned_.push_back(std::make_unique<Vcpu>());
      vcpus_.push_back(owned_.back().get());
    }
  }

  std::span<Vcpu* const> vcpus() const { return vcpus_; }

  /// kvm_flush_remote_tlbs(): every vCPU in guest mode leaves it, every vCPU inside a section with its gate closed
  /// finishes the section. A flush that interrupts nobody orders nothing for the caller's later reads of its own
  /// variables: a variant that needs a barrier writes it.
  void flush_remote_tlbs() { interrupt_vcpus(kRequestTlbFlush); }

  /// kvm_reload_remote_mmus(): all vCPUs drop their roots before they enter the guest again.
  void request_root_reload() { interrupt_vcpus(kRequestReloadRoot); }

  /// Interrupts these vCPUs, whatever their mode, and returns when all have acknowledged: a full barrier on each, as
  /// the handler runs. The caller is none of them.
  void interrupt(std::span<Vcpu* const> targets) {
    const std::uint64_t start = now();
    const std::vector<Cpu*> cpus(targets.begin(), targets.end());
    send_ipi(cpus);
    tell_of_ipis(targets.size(), start);
  }

  /// Sees each flush or reload that interrupted somebody: how many vCPUs, and the ticks from the first request to the
  /// last acknowledgement. Set before threads start; called by the sender.
  struct IpiObserver {
    virtual ~IpiObserver() = default;
    virtual void on_ipis(std::size_t sent, std::uint64_t ticks) = 0;
  };
  void observe_ipis(IpiObserver* observer) { ipi_observer_ = observer; }

  /// Starts with the first use, so that only schemes that need RCU have a reclaimer thread. Not thread-safe: a
  /// variant's constructor is the place.
  Rcu& rcu() {
    if (!rcu_) rcu_.emplace(rcu_options_);
    return *rcu_;
  }
  void set_rcu_options(const Rcu::Options& options) { rcu_options_ = options; }
  bool has_rcu() const { return rcu_.has_value(); }

  /// The kernel's tracepoint kvm_mmu_delay_free_pages: a commit found readers and leaves `pages` to RCU.
  static void trace_delay_free_pages(std::size_t pages) { SHADOWWALK_PROBE(delay__free__pages, pages); }

  /// Retired pages at which a scheme that scans for protected ones does so, when so many can be protected at once.
  /// Twice as many: each scan frees at least half of what it looks at.
  static std::size_t retire_threshold(std::size_t protected_pages) {
    return std::max<std::size_t>(64, 2 * protected_pages);
  }
  /// How many operations may share one step of work that is spread over them.
  static constexpr unsigned amortised_over(unsigned operations) { return operations; }

 private:
  void interrupt_vcpus(std::uint32_t request) {
    const std::uint64_t start = now();
    tell_of_ipis(make_all_cpus_request(vcpus_, request), start);
  }
  void tell_of_ipis(std::size_t sent, std::uint64_t start) {
    if (sent == 0) return;
    SHADOWWALK_PROBE(ipi__done, sent, to_whole_ns(now() - start));
    if (ipi_observer_ != nullptr) ipi_observer_->on_ipis(sent, now() - start);
  }

  std::vector<std::unique_ptr<Vcpu>> owned_;
  std::vector<Vcpu*> vcpus_;
  IpiObserver* ipi_observer_ = nullptr;
  Rcu::Options rcu_options_;
  std::optional<Rcu> rcu_;
};

}  // namespace shadowwalk
