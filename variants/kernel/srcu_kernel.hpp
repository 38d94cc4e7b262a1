// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <type_traits>
#include <utility>

#include "variants/kernel/rcu_batch_node.hpp"

namespace shadowwalk {

/// What srcu-kernel and srcu-kernel-fast share: a domain of the kernel's SRCU, which `Domain::of(machine)` is.
template <class Machine, class Domain>
class SrcuScheme {
 public:
  using Node = RcuBatchNode<Machine>;

  explicit SrcuScheme(Environment<Machine, Node>& environment) : environment_(environment) {
    static_assert(
        MachineSrcu<std::remove_reference_t<decltype(Domain::of(environment.machine))>, typename Machine::RcuHead>);
    Domain::of(environment.machine);  // made here, before threads start
  }

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(SrcuScheme& scheme, typename Machine::Vcpu&) : srcu_(Domain::of(scheme.environment_.machine)) {}
    void begin() { section_ = srcu_.read_lock(); }
    bool end() {
      srcu_.read_unlock(section_);
      return true;
    }

   private:
    decltype(Domain::of(std::declval<Machine&>())) srcu_;
    decltype(srcu_.read_lock()) section_{};
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    call_rcu_for_batch<Machine>(Domain::of(environment_.machine), environment_, std::move(batch));  // (1)
  }
  void drain() { Domain::of(environment_.machine).barrier(); }

 private:
  Environment<Machine, Node>& environment_;
};

struct OrderedSrcu {
  static auto& of(auto& machine) { return machine.srcu(); }
};

/// srcu-kernel: the running kernel's own SRCU, one callback per zap. For a Machine that has it (HasSrcu).
///
/// begin: srcu_read_lock. end: srcu_read_unlock, of the set that begin counted in.
/// commit: flush_remote_tlbs(); (1) one call_srcu for all pages.
///
/// (1) is all the ordering there is, as in rcu (rcu.hpp): SRCU's grace period begins after the unlink, between full
///     barriers, and ends after every section that may have read the slot before.
/// Not synchronize_srcu(), with which srcu (srcu.hpp) frees in commit: it sleeps, and KVM's mmu_lock spins. So the read
/// side compares with srcu's, which is the same algorithm, and the memory with rcu-batch's.
/// Source: Linux kernel/rcu/srcutree.c, as the kernel that runs has it.
/// Cost: a call, a count on the CPU's own line and a full barrier, twice per walk; unreclaimed is what is zapped within
/// a grace period of SRCU, which waits for the walkers of this tree alone.
template <class Machine>
class SrcuKernel : public SrcuScheme<Machine, OrderedSrcu> {
 public:
  static constexpr VariantInfo kInfo{.name = "srcu-kernel",
                                     .family = Family::kernel,
                                     .summary = "the kernel's own SRCU, one callback per zap",
                                     .source = "Linux kernel/rcu/srcutree.c, of the kernel that runs",
                                     .read_side_cost = "srcu_read_lock and unlock: two full barriers, two counts",
                                     .unreclaimed_bound = "none: what is zapped within a grace period of SRCU",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "call_srcu() of Linux",
                                     .kernel_only = true};
  using SrcuScheme<Machine, OrderedSrcu>::SrcuScheme;
};

}  // namespace shadowwalk
