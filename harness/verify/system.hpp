#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/measure/window.hpp"
#include "harness/mmu/shadow_tree.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/watched_variant.hpp"
#include "harness/mmu/zapper.hpp"
#include "harness/simulation/machine.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// The system that is verified, made anew for each execution: a tree of two levels, whose page for gfns 0 and 1 walkers
/// walk to and zappers zap.
template <template <class> class Variant>
class System {
 public:
  System(const Setting& setting, simulation::Execution& execution) : setting_(setting) {
    for (unsigned i = 0; i < setting.walkers; ++i) {
      execution.add_cpu("walker-" + std::to_string(i), [this, i] { walk(i); });
    }
    for (unsigned i = 0; i < setting.zappers; ++i) {
      execution.add_cpu("zapper-" + std::to_string(i), [this] { zap(); });
    }
    machine_ = std::make_unique<SimulatedMachine>(setting.walkers);
    tree_ = std::make_unique<Tree>(*machine_, MmuLockKind::ticket, window_, kCapacity, Clocks::off);
    for (unsigned i = 0; i < setting.walkers; ++i) {
      mmus_.push_back(std::make_unique<VcpuMmu<Tree>>(*tree_, *machine_->vcpus()[i], ReadDelay{}, i));
    }
    mmus_.front()->fault(kGfn, LeafKind::ram_read);
  }

  /// After the execution: what it did wrong; empty if nothing.
  std::string what_is_wrong() {
    for (const auto& mmu : mmus_) {
      if (mmu->counts().violations != 0) return mmu->first_violation();
    }
    mmus_.clear();
    Zapper<Tree>(*tree_).zap_all();
    tree_->variant().drain();
    const auto& account = tree_->variant().account();
    if (!account.first_complaint().empty()) return "the variant " + account.first_complaint();
    const Footprint& pages = tree_->footprint();
    if (pages.retired() != 0) return std::to_string(pages.retired()) + " retired pages were not freed by drain()";
    if (pages.shadow() != 0) return std::to_string(pages.shadow()) + " pages are left after everything was zapped";
    return {};
  }

  /// For stories: a slot of a table, and what SPTEs and tables' addresses mean. Pages are numbered as they were first
  /// allocated; the root is 0.
  std::string location(const simulation::Location& location) const {
    const auto address = reinterpret_cast<std::uintptr_t>(&location);
    const auto page = tree_->pool().index_of(address);
    if (!page) return {};
    return "page " + std::to_string(*page) + "[" +
           std::to_string((address & (kPageBytes - 1)) / sizeof(typename Tree::Slot)) + "]";
  }
  std::string value(std::uint64_t value) const {
    if (value == spte::kPoison) return "poison";
    if (const auto page = tree_->pool().index_of(spte_address(value))) return "page " + std::to_string(*page);
    return (value & spte::kMmuWritable) != 0 ? "the guest's page" : std::string();
  }

 private:
  using Watching = Watched<Variant, VerifiedGeometry::kLevels>;
  using Tree = ShadowTree<SimulatedMachine, Watching::template Of, VerifiedGeometry>;
  static constexpr Gfn kGfn = 0;
  static constexpr std::size_t kCapacity = 64;

  void walk(unsigned index) {
    VcpuMmu<Tree>& mmu = *mmus_[index];
    SimulatedMachine::Vcpu& vcpu = *machine_->vcpus()[index];
    for (unsigned i = 0; i < setting_.walks; ++i) {
      if (setting_.guest) pass_through_guest(mmu, vcpu);
      const auto walked = mmu.template walk<true, false>(kGfn, LeafKind::ram_read);
      if (walked == VcpuMmu<Tree>::Walked::fault && setting_.faults) mmu.fault(kGfn, LeafKind::ram_read);
    }
  }

  void pass_through_guest(VcpuMmu<Tree>& mmu, SimulatedMachine::Vcpu& vcpu) {
    if ((vcpu.take_requests() & kRequestReloadRoot) != 0) mmu.reload_root();
    mmu.offline();
    if (vcpu.enter_guest_mode()) vcpu.leave_guest_mode();
    mmu.online();
  }

  void zap() {
    for (unsigned i = 0; i < setting_.zaps; ++i) Zapper<Tree>(*tree_).zap_page(kGfn, 1);
  }

  const Setting setting_;
  Window window_;
  std::unique_ptr<SimulatedMachine> machine_;
  std::unique_ptr<Tree> tree_;
  std::vector<std::unique_ptr<VcpuMmu<Tree>>> mmus_;
};

}  // namespace shadowwalk::verify
