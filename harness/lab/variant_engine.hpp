#pragma once

#include <memory>
#include <string>

#include "harness/lab/cell_config.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/host_actor.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/tree_vcpu.hpp"
#include "harness/machine/check.hpp"
#include "harness/machine/native_machine.hpp"
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
    return make_engine_vcpu<Walking>(config_.full_checks, delay, tree_, vcpu, seed);
  }

  Zapped act(const HostAction& action) override { return host_.act(action); }
  Zapped act(const ReplayAction& action) override { return host_.act(action); }
  void stop_waiting() override { host_.stop_waiting(); }

  void drain() override { SHADOWWALK_CHECK(host_.drain() == 0, "the variant's drain() left pages unfreed"); }
  MmuRecords records() const override { return host_.records(); }

 private:
  template <bool kFullChecks, bool kReadDelay>
  using Walking = TreeVcpu<Tree, kFullChecks, kReadDelay>;

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

/// The same of one that only cells in a kernel can have: lists know it.
template <template <class> class Variant>
VariantEntry kernel_only_entry() {
  static_assert(Variant<NativeMachine>::kInfo.kernel_only);
  return {.info = Variant<NativeMachine>::kInfo};
}

}  // namespace shadowwalk
