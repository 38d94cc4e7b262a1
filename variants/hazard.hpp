#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>
#include <vector>

#include "variants/contract.hpp"

namespace shadowwalk {

/// hazard: hazard pointers, a walker publishes each table before it reads it.
///
/// read, at each level above the leaf: load the slot; (1) publish the table's address in the level's hazard by xchg;
///        (2) load the slot again: if it changed, publish what it holds now.
/// end:   (3) clear the hazards by release stores.
/// commit: flush_remote_tlbs(); retire the batch; past a threshold: (4) full barrier, (5) load all hazards, free the
///         retired pages that none of them names.
///
/// (1) and (4) are store buffering: "hazard = table; barrier; read slot" against "clear slot; barrier; read hazards".
///     If the second load (2) still finds the table, the slot was not cleared before the hazard could be seen.
///     The engine's promise makes (2) sound: the slots of unlinked pages are cleared too, so that an unlinked parent
///     cannot vouch for a retired child.
/// (3) pairs with the acquire (5): a scan that finds the hazard gone comes after the section's reads.
/// The root needs no hazard (counted reference), and the leaf SPTE points to no table.
/// Source: M. Michael, Hazard Pointers, IEEE TPDS 15(6), 2004.
/// Cost: a full barrier a level; fewer pages than the threshold unreclaimed, however long a walker stalls.
template <class Machine>
class Hazard {
 public:
  struct Node {};

  static constexpr int kHazards = 4;  ///< one a level below the root, five-level tables included

  /// A scan leaves what is named; it comes as soon as the threshold is reached.
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    const std::size_t hazards = load.vcpus * static_cast<std::size_t>(load.levels - 1);
    return std::max(Machine::retire_threshold(load.vcpus * kHazards) - 1, hazards);
  }
  static constexpr VariantInfo kInfo{
      .name = "hazard",
      .summary = "hazard pointers: publish and re-validate each table",
      .source = "Michael 2004 (IEEE TPDS 15(6))",
      .read_side_cost = "one xchg and one more load a level",
      .unreclaimed_bound = "max(64, 2 x vCPUs x hazards) - 1 pages",
      .most_unreclaimed = most_unreclaimed,
      .needs = "nothing"};

  explicit Hazard(Environment<Machine, Node>& environment)
      : environment_(environment),
        slots_(new Slots[environment.machine.vcpus().size()]),
        threshold_(Machine::retire_threshold(environment.machine.vcpus().size() * kHazards)) {}

  class Walker {
   public:
    Walker(Hazard& scheme, typename Machine::Vcpu& vcpu) : hazards_(scheme.slots_of(vcpu).hazard) {}

    static void begin() {}

    template <class Slot>
    SpteWord read(const Slot& slot, int level) const {
      // acquire pairs with the release store that links a child: its table is seen initialised.
      SpteWord spte = slot.load(std::memory_order_acquire);
      if (level == 1) return spte;
      while (spte_is_present(spte)) {
        hazards_[level - 2].exchange(spte_address(spte), std::memory_order_seq_cst);  // (1)
        const SpteWord again = slot.load(std::memory_order_acquire);                  // (2)
        const bool validated = spte_is_present(again) && spte_address(again) == spte_address(spte);
        spte = again;
        if (validated) break;
      }
      return spte;
    }

    bool end() const {
      std::apply([](auto&... hazard) { (hazard.store(0, std::memory_order_release), ...); }, hazards_);  // (3)
      return true;
    }
    static void offline() {}
    static void online() {}

   private:
    std::array<typename Machine::template Atomic<SpteWord>, kHazards>& hazards_;
  };

  void birth(VariantPage<Node>&) {}

  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    retired_pages_.splice(std::move(batch));
    if (retired_pages_.size() >= threshold_) scan();
  }

  void drain() { environment_.free(std::move(retired_pages_)); }

 private:
  struct alignas(64) Slots {
    std::array<typename Machine::template Atomic<SpteWord>, kHazards> hazard{};
  };

  Slots& slots_of(const typename Machine::Vcpu& vcpu) {
    const auto vcpus = environment_.machine.vcpus();
    return slots_[static_cast<std::size_t>(std::find(vcpus.begin(), vcpus.end(), &vcpu) - vcpus.begin())];
  }

  /// mmu_lock held, as commit is.
  void scan() {
    Machine::full_fence();  // (4)
    named_.clear();
    for (std::size_t i = 0; i < environment_.machine.vcpus().size(); ++i) {
      for (const auto& hazard : slots_[i].hazard) {
        if (const SpteWord address = hazard.load(std::memory_order_acquire)) named_.push_back(address);  // (5)
      }
    }
    std::sort(named_.begin(), named_.end());
    PageBatch<Node> pages = std::move(retired_pages_);
    while (!pages.empty()) {
      VariantPage<Node>& page = pages.pop_front();
      if (std::binary_search(named_.begin(), named_.end(), page.address)) {
        retired_pages_.push_back(page);
      } else {
        environment_.free(page);
      }
    }
  }

  Environment<Machine, Node>& environment_;
  const std::unique_ptr<Slots[]> slots_;
  const std::size_t threshold_;
  PageBatch<Node> retired_pages_;  // mmu_lock
  std::vector<SpteWord> named_;    // mmu_lock; kept, so that a scan allocates once
};

}  // namespace shadowwalk
