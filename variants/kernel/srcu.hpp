// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>

#include "variants/contract.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// srcu: sleepable RCU: two sets of per-vCPU counters, and a grace period in two phases that commit waits for.
///
/// begin: which set is current; (1) its count of begun sections + 1 on the vCPU's own line; (2) full barrier.
/// end:   (3) full barrier; the same set's count of ended sections + 1.
/// commit: flush_remote_tlbs(); (4) full barrier; wait until the other set is quiet; (5) flip the current set, between
///         full barriers; wait until the set that was current is quiet; free at once.
/// quiet: the sum of ended sections; (6) full barrier; the sum of begun ones; equal.
///
/// (2) and (4) are store buffering: "begun + 1; barrier; read SPTE" against "clear SPTE; barrier; read begun".
/// (3) pairs with (6): a section whose end was counted has finished its reads, and since ends are summed first, a
///     section that is counted as begun and not as ended keeps its set from being quiet.
/// (5) Two phases: a walker that has read which set is current and not yet counted itself may count itself in a set
///     whose sections have just been waited for. The first phase waits for such stragglers of the previous flip, so
///     that new walkers, which use the current set, cannot delay the second phase for ever. SRCU waits for the whole
///     set: it was made for sections that may sleep.
/// Source: Linux kernel/rcu/srcutree.c (P. McKenney, 2006; counters apart for begin and end since 2017); KVM's own
/// memslots are read under it.
/// Cost: two full barriers per walk; nothing unreclaimed; each zap waits for all sections.
template <class Machine>
class Srcu {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{
      .name = "srcu",
      .family = Family::kernel,
      .summary = "sleepable RCU: two sets of per-vCPU counters; commit waits in two phases",
      .source = "Linux kernel/rcu/srcutree.c (McKenney 2006)",
      .read_side_cost = "two full barriers and two counts on the vCPU's own line",
      .unreclaimed_bound = "0: freed in commit, after both phases",
      .most_unreclaimed = all_freed_in_commit,
      .needs = "nothing"};

  explicit Srcu(Environment<Machine, Node>& environment) : environment_(environment), counts_(environment.machine) {}

 private:
  template <class T>
  using Atomic = typename Machine::template Atomic<T>;

  struct Counts {
    std::array<Atomic<std::uint64_t>, 2> begun{};
    std::array<Atomic<std::uint64_t>, 2> ended{};
    unsigned set = 0;  // in which the open section is counted; the vCPU's own
  };

  /// Only its own vCPU counts in it, so that no locked operation is needed.
  static void count(Atomic<std::uint64_t>& counter) {
    // release pairs with the acquire in is_quiet(): on x86 a plain store.
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Srcu& scheme, typename Machine::Vcpu& vcpu) : current_(scheme.current_), counts_(scheme.counts_.of(vcpu)) {}
    void begin() const {
      counts_.set = current_.load(std::memory_order_relaxed);
      count(counts_.begun[counts_.set]);  // (1)
      Machine::full_fence();              // (2)
    }
    bool end() const {
      Machine::full_fence();  // (3)
      count(counts_.ended[counts_.set]);
      return true;
    }

   private:
    const Atomic<unsigned>& current_;
    Counts& counts_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    Machine::full_fence();  // (4)
    const unsigned set = current_.load(std::memory_order_relaxed);
    wait_until_quiet(1 - set);
    Machine::full_fence();  // (5)
    current_.store(1 - set, std::memory_order_relaxed);
    Machine::full_fence();  // (5)
    wait_until_quiet(set);
    environment_.free(std::move(batch));
  }
  void drain() {}

  template <class Name>
  void name_variables(Name name) {
    name(current_, "current set");
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      for (std::size_t set = 0; set < 2; ++set) {
        name(counts_[i].begun[set], set == 0 ? "set 0 begun of vCPU " : "set 1 begun of vCPU ", i);
        name(counts_[i].ended[set], set == 0 ? "set 0 ended of vCPU " : "set 1 ended of vCPU ", i);
      }
    }
  }

 private:
  void wait_until_quiet(unsigned set) const {
    typename Machine::Backoff backoff;
    while (!is_quiet(set)) backoff.wait();
  }
  bool is_quiet(unsigned set) const {
    std::uint64_t ended = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) ended += counts_[i].ended[set].load(std::memory_order_acquire);
    Machine::full_fence();  // (6)
    std::uint64_t begun = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) begun += counts_[i].begun[set].load(std::memory_order_relaxed);
    return begun == ended;
  }

  Environment<Machine, Node>& environment_;
  alignas(64) Atomic<unsigned> current_{0};  // written under mmu_lock
  const PerVcpu<Machine, Counts> counts_;
};

}  // namespace shadowwalk
