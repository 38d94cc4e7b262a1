// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>

#include "variants/limbo.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// gus: FreeBSD's safe memory reclamation, global unbounded sequences: a number that each commit advances, and that
/// each walker copies.
///
/// begin: (1) publish the write sequence, as it is now, in the vCPU's own word by xchg.
/// end:   (2) clear the word by a release store.
/// commit: flush_remote_tlbs(); (3) write sequence + 1, a full barrier: the batch's goal; (4) the read sequence is the
///         least number that a walker has published; free the batches whose goal it has reached.
///
/// (1) and (3) are store buffering: "publish; barrier; read SPTE" against "clear SPTE; barrier; read the published
///     numbers". (1) acquires: a walker that published the goal or more has read the sequence after the unlink, and
///     sees it. A walker that published less may hold the batch's pages; later commits wait for it, and no thread
///     spins.
/// (2) pairs with the acquire load in (4): a commit that finds the word clear comes after the section's reads.
/// Against ebr: a page waits for the sections that were open when it was unlinked, not for two turns of an epoch.
/// Source: FreeBSD sys/kern/subr_smr.c (J. Roberson, 2020): smr_enter, smr_exit, smr_advance, smr_poll.
/// Cost: a full barrier per walk; a stalled walker keeps everything that is zapped meanwhile.
template <class Machine>
class Gus {
 public:
  using Node = LimboNode;
  static constexpr VariantInfo kInfo{.name = "gus",
                                     .family = Family::kernel,
                                     .summary = "FreeBSD's SMR: walkers publish a sequence number that zaps advance",
                                     .source = "FreeBSD sys/kern/subr_smr.c (Roberson 2020)",
                                     .read_side_cost = "xchg and a release store on the vCPU's own line",
                                     .unreclaimed_bound = "none: what is zapped while a walker is inside a section",
                                     .most_unreclaimed = no_unreclaimed_bound,
                                     .needs = "nothing"};

  explicit Gus(Environment<Machine, Node>& environment) : environment_(environment), published_(environment.machine) {}

 private:
  using Sequence = typename Machine::template Atomic<std::uint64_t>;
  static constexpr std::uint64_t kOutside = 0;

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Gus& scheme, typename Machine::Vcpu& vcpu)
        : write_sequence_(scheme.write_sequence_), published_(scheme.published_.of(vcpu)) {}
    void begin() const {
      published_.exchange(write_sequence_.load(std::memory_order_acquire), std::memory_order_seq_cst);  // (1)
    }
    bool end() const {
      published_.store(kOutside, std::memory_order_release);  // (2)
      return true;
    }

   private:
    const Sequence& write_sequence_;
    Sequence& published_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    const std::uint64_t goal = write_sequence_.fetch_add(1, std::memory_order_seq_cst) + 1;  // (3)
    Machine::full_fence_beside_atomic();
    limbo_.push(goal, std::move(batch));
    limbo_.free_up_to(read_sequence(goal), environment_);
  }
  void drain() { limbo_.free_all(environment_); }

  template <class Name>
  void name_variables(Name name) {
    name(write_sequence_, "write sequence");
    for (std::size_t i = 0; i < published_.size(); ++i) name(published_[i], "sequence published by vCPU ", i);
  }

 private:
  std::uint64_t read_sequence(std::uint64_t least) const {
    for (std::size_t i = 0; i < published_.size(); ++i) {
      const std::uint64_t published = published_[i].load(std::memory_order_acquire);  // (4)
      if (published != kOutside) least = std::min(least, published);
    }
    return least;
  }

  Environment<Machine, Node>& environment_;
  alignas(64) Sequence write_sequence_{1};
  const PerVcpu<Machine, Sequence> published_;
  Limbo<Node> limbo_;  // mmu_lock
};

}  // namespace shadowwalk
