// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>

#include "variants/contract.hpp"

namespace shadowwalk {

/// optimistic: walks as if no page were freed, then validates: each page has a generation that changes before it is
/// freed.
///
/// read: (1) load the slot; (2) the generation of the slot's table must be what it was when the walk reached that
///        table, otherwise restart. Above the leaf: (3) load the generation of the table that the SPTE names; (4) load
///        the slot again: if it names another table, repeat.
/// end:   (5) the result may be used if no table's generation has changed.
/// commit: flush_remote_tlbs(); (6) generation + 1 of each page; (7) full barrier; free at once.
///
/// (1), (2) and (6), (7) are one sequence lock per page: what is written into a freed table comes after its new
///     generation (7); the load (1) acquires, so that a walker that has read such a value reads a new generation at
///     (2). So it follows only SPTEs that its table held while the walk used the table.
/// (3), (4): the generation belongs to the page that the slot names: had it been freed before (3), the slot would have
///     been cleared before that (the engine's promise), and (4) would find it so.
/// The root has no slot and is not validated: the vCPU's reference keeps it. The scheme needs no reclamation at all, so
/// freed pages may be reused at once; a walker may read poison and discards it.
/// Source: G. Sheffi, M. Herlihy and E. Petrank, VBR: Version Based Reclamation, DISC 2021, with generations in the
/// pages and validation by loads, since walkers change nothing here; sequence locks as in Linux (C. Lameter, 2005).
/// Cost: three more loads per level and one at the end; nothing unreclaimed; a zap of a walked table restarts the walk.
template <class Machine>
class Optimistic {
 public:
  struct Node {
    typename Machine::template Atomic<std::uint64_t> generation{0};
  };
  static constexpr VariantInfo kInfo{.name = "optimistic",
                                     .family = Family::optimistic,
                                     .summary = "generations in the pages, validated after reading: no reclamation",
                                     .source = "after VBR: Sheffi, Herlihy, Petrank, DISC 2021",
                                     .read_side_cost = "four more loads per level, no store to shared lines",
                                     .unreclaimed_bound = "0: freed in commit, even under a walker",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "tables and page descriptions that are never unmapped"};

  explicit Optimistic(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Optimistic& scheme, typename Machine::Vcpu&) : environment_(scheme.environment_) {}

    void begin() { count_ = 0; }
    template <class Slot>
    SpteWord read(const Slot& slot, int level) {
      for (;;) {
        const SpteWord spte = slot.load(std::memory_order_acquire);             // (1)
        if (count_ != 0 && !passed_[count_ - 1].stands()) return kRestartWalk;  // (2)
        if (level == 1 || !spte_is_present(spte)) return spte;
        VariantPage<Node>& page = environment_.pages[spte];
        const std::uint64_t generation = page.node.generation.load(std::memory_order_acquire);  // (3)
        const SpteWord again = slot.load(std::memory_order_acquire);                            // (4)
        if (!spte_is_present(again) || spte_address(again) != spte_address(spte)) continue;
        passed_[count_++] = {&page.node, generation};
        return spte;
      }
    }
    bool end() const {
      for (int i = 0; i < count_; ++i) {
        if (!passed_[i].stands()) return false;  // (5)
      }
      return true;
    }

   private:
    struct Passed {
      const Node* node = nullptr;
      std::uint64_t generation = 0;
      // acquire, so that (5) and the next level's (1) come after it.
      bool stands() const { return node->generation.load(std::memory_order_acquire) == generation; }
    };

    Environment<Machine, Node>& environment_;
    std::array<Passed, 4> passed_{};  // one per level below the root, five-level tables included
    int count_ = 0;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    for (VariantPage<Node>* page = &batch.front(); page != nullptr; page = page->next) {
      page->node.generation.fetch_add(1, std::memory_order_relaxed);  // (6)
    }
    Machine::full_fence();  // (7)
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
