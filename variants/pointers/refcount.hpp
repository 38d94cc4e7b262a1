// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "variants/contract.hpp"

namespace shadowwalk {

/// refcount: a reference count in each shadow page; the thread that drops the last reference to a retired page frees
/// it.
///
/// read, at each level above the leaf: load the slot; (1) add 1 to the count of the page it names; (2) load the slot
///         again: if it names another page, undo (1) and try that page.
/// end:   (3) subtract 1 from the count of each page that the walk passed; if that leaves a retired page without
///        references: (4) claim it by cmpxchg, and free it.
/// commit: flush_remote_tlbs(); (5) mark each page retired in its count; without references: (4) claim and free it.
///
/// (1), (5) are read-modify-writes of one word, and acquire and release: a walker that counts after the mark sees the
///     unlink at (2), and lets go; a walker that counted before is found by (5), or frees the page itself.
/// (3) releases the section's reads to (4), which acquires; because of (4) a page is freed once, even if several
///     threads find it without references.
/// Counts outlive pages (contract.hpp: type-stable): a late walker counts for a moment in a page that is free or reused
///     by then, which it finds out at (2). So birth() may not reset counts.
/// Source: J. Valois, Lock-free linked lists using compare-and-swap, PODC 1995, with the correction of M. Michael and
/// M. Scott (1995). The kernel's page references (get_page_unless_zero) work like this.
/// Cost: two locked operations per level on lines that all vCPUs share; a walker keeps only the pages it has counted
/// in.
template <class Machine>
class RefCount {
 public:
  struct Node {
    typename Machine::template Atomic<std::uint32_t> count{0};  ///< of references, and kRetired
  };
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    return load.vcpus * static_cast<std::size_t>(load.levels - 1);
  }
  static constexpr VariantInfo kInfo{.name = "refcount",
                                     .family = Family::pointer,
                                     .summary = "a reference count in each page",
                                     .source = "Valois, PODC 1995; Michael and Scott 1995",
                                     .read_side_cost = "two atomic additions per level on lines that all vCPUs share",
                                     .unreclaimed_bound = "vCPUs x tables that a walk passes",
                                     .most_unreclaimed = most_unreclaimed,
                                     .needs = "page descriptions that are never given back"};

  explicit RefCount(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(RefCount& scheme, typename Machine::Vcpu&) : environment_(scheme.environment_) {}

    static void begin() {}
    template <class Slot>
    SpteWord read(const Slot& slot, int level) {
      // acquire pairs with the release store that links a child: its table is seen initialised.
      SpteWord spte = slot.load(std::memory_order_acquire);
      if (level == 1) return spte;
      while (spte_is_present(spte)) {
        VariantPage<Node>& page = environment_.pages[spte];
        page.node.count.fetch_add(1, std::memory_order_acq_rel);      // (1)
        const SpteWord again = slot.load(std::memory_order_acquire);  // (2)
        if (spte_is_present(again) && spte_address(again) == spte_address(spte)) {
          passed_[count_++] = &page;
          return again;
        }
        drop(environment_, page);
        spte = again;
      }
      return spte;
    }
    bool end() {
      while (count_ != 0) drop(environment_, *passed_[--count_]);
      return true;
    }

   private:
    Environment<Machine, Node>& environment_;
    std::array<VariantPage<Node>*, 4> passed_{};  // one per level below the root, five-level tables included
    int count_ = 0;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    while (!batch.empty()) {
      VariantPage<Node>& page = batch.pop_front();
      if (page.node.count.fetch_add(kRetired, std::memory_order_acq_rel) == 0)
        free_if_claimed(environment_, page);  // (5)
    }
  }
  void drain() {}

 private:
  static constexpr std::uint32_t kRetired = 1u << 31;

  static void drop(Environment<Machine, Node>& environment, VariantPage<Node>& page) {
    const std::uint32_t before = page.node.count.fetch_sub(1, std::memory_order_release);  // (3)
    if (before == kRetired + 1) [[unlikely]]
      free_if_claimed(environment, page);
  }
  static void free_if_claimed(Environment<Machine, Node>& environment, VariantPage<Node>& page) {
    std::uint32_t unreferenced = kRetired;
    if (page.node.count.compare_exchange_strong(unreferenced, 0, std::memory_order_acquire,  // (4)
                                                std::memory_order_relaxed)) {
      environment.free(page);
    }
  }

  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
