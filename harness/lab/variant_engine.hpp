#pragma once

#include <memory>
#include <string>

#include "harness/lab/cell_config.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/host_actor.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/zapper.hpp"

namespace shadowwalk {

/// The MMU with a variant, behind Engine's virtual calls: the one place where the variant's type is still known and the
/// workload's accesses meet it.
template <template <class> class Variant>
class VariantEngine final : public Engine {
 public:
  using Tree = ShadowTree<NativeMachine, Variant, MeasuredGeometry>;

  VariantEngine(NativeMachine& machine, const CellConfig& config, const Window& window, const PageBudget& budget)
      : config_(config),
        machine_(machine),
        tree_(machine, config.mmu_lock, window, budget.capacity,
              config.instrumentation == Instrumentation::none ? Clocks::off : Clocks::on,
              config.counters == nullptr ? nullptr : &config.counters->footprint),
        host_(tree_, window, config.working_set) {
    tree_.pool().pretouch(budget.pretouch);
    tree_.set_quota(budget.quota);
  }

  std::unique_ptr<EngineVcpu> attach_vcpu(unsigned index) override {
    NativeMachine::Vcpu& vcpu = *machine_.vcpus()[index];
    const std::uint64_t seed = config_.seed * 1024 + index;
    const ReadDelay& delay =
        index == 0 && config_.first_vcpu_delay.on() ? config_.first_vcpu_delay : config_.read_delay;
    if (config_.full_checks) {
      if (delay.on()) return std::make_unique<VcpuFor<true, true>>(tree_, vcpu, delay, seed);
      return std::make_unique<VcpuFor<true, false>>(tree_, vcpu, delay, seed);
    }
    if (delay.on()) return std::make_unique<VcpuFor<false, true>>(tree_, vcpu, delay, seed);
    return std::make_unique<VcpuFor<false, false>>(tree_, vcpu, delay, seed);
  }

  Zapped act(const HostAction& action) override { return host_.act(action); }
  Zapped act(const ReplayAction& action) override { return host_.act(action); }
  void stop_waiting() override { host_.stop_waiting(); }

  void drain() override { host_.drain(); }
  MmuRecords records() const override { return host_.records(); }

 private:
  template <bool kFullChecks, bool kReadDelay>
  class VcpuFor final : public EngineVcpu {
   public:
    VcpuFor(Tree& tree, NativeMachine::Vcpu& vcpu, const ReadDelay& delay, std::uint64_t seed)
        : mmu_(tree, vcpu, delay, seed), vcpu_(vcpu) {}

    void walk(std::span<const Access> accesses, WalkRecord& record) override { walk_burst(*this, accesses, record); }
    void empty_sections(std::size_t count) override { mmu_.empty_sections(count); }
    void offline() override { mmu_.offline(); }
    void online() override { mmu_.online(); }
    void reload_root() override { mmu_.reload_root(); }
    WalkCounts counts() const override { return mmu_.counts(); }
    std::string_view first_violation() const override { return mmu_.first_violation(); }

    [[gnu::always_inline]] bool served(Access access) {
      using Walked = typename VcpuMmu<Tree>::Walked;
      return mmu_.template walk<kFullChecks, kReadDelay>(access.gfn(), leaf_kind(access.kind())) == Walked::served;
    }
    /// `zero` is 0 and comes from the leaf of the walk before.
    [[gnu::always_inline]] bool served_after(Access access, std::uint64_t zero,
                                             SpteWord& leaf) requires(!kFullChecks && !kReadDelay) {
      using Walked = typename VcpuMmu<Tree>::Walked;
      const Gfn gfn = access.gfn() + zero;
      return mmu_.template walk_reading<false, false>(gfn, leaf_kind(access.kind()), leaf) == Walked::served;
    }
    bool served_clocking_section(Access access, std::uint64_t& ticks) {
      using Walked = typename VcpuMmu<Tree>::Walked;
      const Walked walked = mmu_.template walk<kFullChecks, kReadDelay, true>(access.gfn(), leaf_kind(access.kind()));
      ticks = mmu_.section_ticks();
      return walked == Walked::served;
    }
    /// Not once the vCPU is to stop: with more vCPUs than CPUs the rest of a burst, whose faults take their turns at
    /// mmu_lock, can last for minutes. Out of line: the loop of walks keeps its registers.
    [[gnu::noinline]] bool fault(Access access) {
      if (vcpu_.has_request(kRequestStop)) return false;
      if (access.kind() == AccessKind::page_table_write) {
        mmu_.page_table_write(access.gfn());
      } else {
        mmu_.fault(access.gfn(), leaf_kind(access.kind()));
      }
      return true;
    }

   private:
    VcpuMmu<Tree> mmu_;
    const NativeMachine::Vcpu& vcpu_;
  };

  const CellConfig& config_;
  NativeMachine& machine_;
  Tree tree_;
  HostActor<Tree> host_;
};

/// The registration line of a variant that cells measure: `registry.add(variant_entry<IrqIpi>());`
template <template <class> class Variant>
VariantEntry variant_entry() {
  return {.info = Variant<NativeMachine>::kInfo,
          .make_engine = [](NativeMachine& machine, const CellConfig& config, const Window& window,
                            const PageBudget& budget) -> std::unique_ptr<Engine> {
            return std::make_unique<VariantEngine<Variant>>(machine, config, window, budget);
          }};
}

}  // namespace shadowwalk
