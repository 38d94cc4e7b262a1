#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/registry.hpp"
#include "harness/measure/window.hpp"
#include "harness/mmu/geometry.hpp"
#include "harness/mmu/shadow_tree.hpp"
#include "harness/mmu/spte.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/walk_checks.hpp"
#include "harness/mmu/watched_variant.hpp"
#include "harness/mmu/zapper.hpp"
#include "harness/simulation/machine.hpp"
#include "harness/verify/explore.hpp"
#include "harness/verify/mutated_variant.hpp"

namespace shadowwalk::verify {

enum class GuestAccess {
  done,    ///< through a table that is in use, or by a page fault: an exit
  exited,  ///< an interrupt came first
  freed    ///< it went through a table that was freed
};

/// The hardware's page walk in guest mode, with the paging-structure cache of its TLB: the table that it found last
/// serves it again, in the next guest entry too, until the TLB is flushed. It knows no scheme: flush_remote_tlbs()
/// keeps it from freed tables, since the vCPU must leave the guest and flush its TLB before it enters again.
template <class Tree>
class GuestMode {
 public:
  explicit GuestMode(Tree& tree) : tree_(tree) {}

  void flush_tlb() { cached_.reset(); }

  /// One access of the guest, in guest mode, which the vCPU has entered after start_guest().
  template <class Vcpu>
  GuestAccess access(Vcpu& vcpu, const typename Tree::Page& root, Gfn gfn) {
    Cached walked;
    if (cached_ && cached_->gfn == Tree::Geometry::base(gfn, 1)) {
      walked = *cached_;
    } else {
      const SpteWord entry = tree_.slot_of(root, gfn).load(std::memory_order_acquire);
      if (!spte::is_present(entry)) return vcpu.guest_goes_on() ? GuestAccess::done : GuestAccess::exited;
      walked = {.gfn = Tree::Geometry::base(gfn, 1), .table = Tree::Pool::table(entry), .trail = {}};
      walked.trail.start();
      walked.trail.pass(tree_.pool().page(entry), walked.gfn, 1);
    }
    walked.table[Tree::Geometry::index(gfn, 1)].load(std::memory_order_acquire);
    // An interrupt that came meanwhile has ended the guest's run then, and nothing of this was used.
    if (!vcpu.guest_goes_on()) return GuestAccess::exited;
    cached_ = walked;
    return walked.trail.found_freed_page() ? GuestAccess::freed : GuestAccess::done;
  }

 private:
  struct Cached {
    Gfn gfn = 0;  // first of the table's
    typename Tree::Slot* table = nullptr;
    WalkTrail<typename Tree::Page, 1> trail;
  };

  Tree& tree_;
  std::optional<Cached> cached_;
};

/// The system that is verified, made anew for each execution: a tree of two levels. Walkers walk through the tables
/// below the root, and zappers zap them.
template <template <class> class Variant>
class System final : public AnySystem {
 public:
  System(const VerifyConfig& config, simulation::Execution& execution) : config_(config) {
    for (unsigned i = 0; i < config.walkers; ++i) {
      execution.add_cpu("walker-" + std::to_string(i), [this, i] { walk(i); });
    }
    for (unsigned i = 0; i < config.zappers; ++i) {
      execution.add_cpu("zapper-" + std::to_string(i), [this, i] { zap(i); });
    }
    machine_ = std::make_unique<SimulatedMachine>(config.walkers);
    tree_ = std::make_unique<Tree>(*machine_, MmuLockKind::ticket, window_, kCapacity, Clocks::off,
                                   &counters_without_pages());
    tree_->pool().set_names();
    tree_->variant().account().set_names();
    name_variables(tree_->variant());
    oldest_root_.set_name("oldest root allowed");
    for (unsigned i = 0; i < config.walkers; ++i) {
      mmus_.push_back(std::make_unique<VcpuMmu<Tree>>(*tree_, *machine_->vcpus()[i], ReadDelay{}, i));
      guests_.emplace_back(*tree_);
    }
    for (unsigned table = 0; table + 1 < config.pages; ++table) mmus_.front()->fault(gfn_of(table), LeafKind::ram_read);
  }

  std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) const override {
    constexpr UnreclaimedBound kBound = Variant<SimulatedMachine>::kInfo.most_unreclaimed;
    return kBound == nullptr ? std::nullopt : kBound(load);
  }

  std::string what_is_wrong() override {
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
  std::string location(const simulation::Location& location) const override {
    const auto address = reinterpret_cast<std::uintptr_t>(&location);
    if (const auto described = tree_->pool().index_of_description(address)) {
      return "page " + std::to_string(*described) + "'s description";
    }
    const auto page = tree_->pool().index_of(address);
    if (!page) return {};
    return "page " + std::to_string(*page) + "[" +
           std::to_string((address & (kPageBytes - 1)) / sizeof(typename Tree::Slot)) + "]";
  }
  std::string value(std::uint64_t value) const override {
    if (value == spte::kPoison) return "poison";
    if (const auto page = tree_->pool().index_of(spte_address(value))) return "page " + std::to_string(*page);
    // Schemes and the pool link pages by pointers to their descriptions.
    if (const auto described = tree_->pool().index_of_description(value)) {
      return "page " + std::to_string(*described) + "'s description";
    }
    return (value & spte::kMmuWritable) != 0 ? "the guest's page" : std::string();
  }

 private:
  using Watching = Watched<Mutated<Variant>::template Of, VerifiedGeometry::kLevels>;
  using Tree = ShadowTree<SimulatedMachine, Watching::template Of, VerifiedGeometry>;
  static constexpr std::size_t kCapacity = 64;

  /// Counters that executions share, one after the other: to clear all of them would take longer than an execution.
  static FootprintCounters& counters_without_pages() {
    thread_local const auto counters = std::make_unique<FootprintCounters>();
    counters->forget_pages();
    return *counters;
  }

  /// A scheme may say what its variables are (variants/contract.hpp).
  template <class Scheme>
  static void name_variables(Scheme& scheme) {
    const auto name = [](auto& variable, std::string_view what, std::optional<std::size_t> index = {}) {
      variable.set_name(std::string(what) + (index ? std::to_string(*index) : std::string()));
    };
    if constexpr (requires { scheme.name_variables(name); }) scheme.name_variables(name);
  }

  /// The first gfn of the table that the `turn`-th walk or zap goes to: tables take turns.
  Gfn gfn_of(unsigned turn) const { return turn % (config_.pages - 1) * VerifiedGeometry::span(1); }
  static void complain(const std::string& what) { simulation::Execution::current().complain(what); }
  /// Reports what the variant did wrong at the step where it happened.
  void look_at_account() {
    if (const std::string& complaint = tree_->variant().account().first_complaint(); !complaint.empty()) {
      complain("the variant " + complaint);
    }
  }

  void walk(unsigned index) {
    VcpuMmu<Tree>& mmu = *mmus_[index];
    for (unsigned i = 0; i < config_.walks; ++i) {
      const Gfn gfn = gfn_of(index + i);
      if (config_.guest) pass_through_guest(index, gfn);
      const auto walked = mmu.template walk<true, false>(gfn, LeafKind::ram_read);
      if (mmu.counts().violations != 0) complain(std::string(mmu.first_violation()));
      if (walked == VcpuMmu<Tree>::Walked::fault && config_.faults) mmu.fault(gfn, LeafKind::ram_read);
    }
  }

  void pass_through_guest(unsigned index, Gfn gfn) {
    VcpuMmu<Tree>& mmu = *mmus_[index];
    SimulatedMachine::Vcpu& vcpu = *machine_->vcpus()[index];
    const std::uint32_t requests = vcpu.take_requests();
    if (requests != 0) guests_[index].flush_tlb();
    if ((requests & kRequestReloadRoot) != 0) mmu.reload_root();
    mmu.offline();
    vcpu.start_guest();
    if (vcpu.enter_guest_mode()) {
      const std::uint64_t oldest_root = config_.zap_all ? oldest_root_.load(std::memory_order_acquire) : 0;
      switch (guests_[index].access(vcpu, mmu.root(), gfn)) {
        case GuestAccess::freed:
          complain("the guest's hardware walked a table that was freed");
          break;
        case GuestAccess::done:
          if (mmu.root().valid_generation < oldest_root) complain("the guest runs on a root that it had to drop");
          break;
        case GuestAccess::exited:
          break;
      }
      vcpu.leave_guest_mode();
    }
    mmu.online();
  }

  void zap(unsigned index) {
    Zapper<Tree> zapper(*tree_);
    for (unsigned i = 0; i < config_.zaps; ++i) {
      if (config_.zap_all && i + 1 == config_.zaps) {
        zapper.zap_all();
        // release: a vCPU that sees it comes after the request to reload the root, which has been waited for.
        oldest_root_.store(tree_->valid_generation(), std::memory_order_release);
      } else {
        zapper.zap_page(gfn_of(index + i), 1);
      }
      look_at_account();
    }
  }

  const VerifyConfig config_;
  Window window_;
  std::unique_ptr<SimulatedMachine> machine_;
  std::unique_ptr<Tree> tree_;
  std::vector<std::unique_ptr<VcpuMmu<Tree>>> mmus_;
  std::vector<GuestMode<Tree>> guests_;
  SimulatedMachine::Atomic<std::uint64_t> oldest_root_{0};  // that a guest may run on
};

/// The registration line of a variant that can be verified: `verified_variants().add(verified_variant<MyScheme>())`.
template <template <class> class Variant>
VariantEntry verified_variant() {
  return {
      .info = Variant<SimulatedMachine>::kInfo,
      .make_system = [](const VerifyConfig& config, simulation::Execution& execution) -> std::unique_ptr<AnySystem> {
        return std::make_unique<System<Variant>>(config, execution);
      }};
}

}  // namespace shadowwalk::verify
