// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>

#include "variants/limbo.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// qsbr: quiescent states: walkers announce when they do *not* walk, between sections and while they are offline.
///
/// begin: nothing.
/// end:   (1) load the number of the last grace period; if the vCPU's own word differs: (2) release-store it there.
/// offline: clear the word by a release store (2). online: (3) store the number by xchg.
/// commit: flush_remote_tlbs(); (4) full barrier; (5) number + 1, for which the batch waits; free the batches whose
///         number every online vCPU has reached (6).
///
/// (1) acquires what (5) releases: a vCPU that has a grace period's number sees what was unlinked before it.
/// (2) pairs with the acquire load (6): the reads of its sections until then are over. Nothing else is needed between
///     two sections: a quiescent state that is seen late only causes a delay.
/// (3) and (4) are store buffering: "online; barrier; read SPTE" against "clear SPTE; barrier; read the online words".
/// No thread waits: later commits free the pages. A vCPU in the guest or waiting for mmu_lock is offline and delays
/// nothing; an online vCPU that does not walk does.
/// Source: T. Hart, P. McKenney, A. Brown and J. Walpole, Performance of memory reclamation for lockless
/// synchronization, JPDC 67(12), 2007; liburcu's urcu-qsbr.
/// Cost: a load of a line that zaps write, and a branch. Unreclaimed is what is zapped between two quiescent states of
/// the slowest vCPU.
template <class Machine>
class Qsbr {
 public:
  using Node = LimboNode;
  static constexpr VariantInfo kInfo{
      .name = "qsbr",
      .family = Family::epoch,
      .summary = "quiescent states after each walk, offline in the guest",
      .source = "Hart, McKenney, Brown, Walpole 2007 (JPDC 67(12)); liburcu-qsbr",
      .read_side_cost = "a load of a line that only zaps write",
      .unreclaimed_bound = "none: what is zapped while a vCPU is online and ends no walk",
      .most_unreclaimed = no_unreclaimed_bound,
      .needs = "vCPUs that announce when they are offline"};

  explicit Qsbr(Environment<Machine, Node>& environment) : environment_(environment), passed_(environment.machine) {}

 private:
  using Number = typename Machine::template Atomic<std::uint64_t>;
  static constexpr std::uint64_t kOffline = 0;

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Qsbr& scheme, typename Machine::Vcpu& vcpu) : last_(scheme.last_), passed_(scheme.passed_.of(vcpu)) {
      online();
    }
    static void begin() {}
    bool end() const {
      const std::uint64_t last = last_.load(std::memory_order_acquire);  // (1)
      if (passed_.load(std::memory_order_relaxed) != last) [[unlikely]]
        passed_.store(last, std::memory_order_release);  // (2)
      return true;
    }
    void offline() const { passed_.store(kOffline, std::memory_order_release); }  // (2)
    void online() const {
      passed_.exchange(last_.load(std::memory_order_acquire), std::memory_order_seq_cst);  // (3)
    }

   private:
    const Number& last_;
    Number& passed_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    Machine::full_fence();  // (4)
    const std::uint64_t number = last_.load(std::memory_order_relaxed) + 1;
    last_.store(number, std::memory_order_release);  // (5)
    limbo_.push(number, std::move(batch));
    limbo_.free_up_to(passed_by_all(number), environment_);
  }
  void drain() { limbo_.free_all(environment_); }

  template <class Name>
  void name_variables(Name name) {
    name(last_, "last grace period");
    for (std::size_t i = 0; i < passed_.size(); ++i) name(passed_[i], "grace period passed by vCPU ", i);
  }

 private:
  std::uint64_t passed_by_all(std::uint64_t least) const {
    for (std::size_t i = 0; i < passed_.size(); ++i) {
      const std::uint64_t passed = passed_[i].load(std::memory_order_acquire);  // (6)
      if (passed != kOffline) least = std::min(least, passed);
    }
    return least;
  }

  Environment<Machine, Node>& environment_;
  alignas(64) Number last_{1};  // grace period; written under mmu_lock
  const PerVcpu<Machine, Number> passed_;
  Limbo<Node> limbo_;  // mmu_lock
};

}  // namespace shadowwalk
