// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "variants/contract.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// hyaline: Hyaline-1S: a retired batch counts the walkers that may read it; the last of them to leave frees it. No
/// thread scans, and no thread waits.
///
/// birth: the page is stamped with the era.
/// begin: (1) put an empty list into the vCPU's own slot by xchg.
/// read, at each level above the leaf: (2) load the slot; (3) load the era: if the vCPU's access era equals it, done;
///         else (4) raise that by xchg, and repeat.
/// end:   (5) take the list out of the slot by xchg, and drop a reference to each batch on it; (6) the last one frees.
/// commit: flush_remote_tlbs(); (7) full barrier; (8) into each slot with a list whose access era is not older than the
///         batch's oldest page: a link to the batch, by cmpxchg; end the era; (9) add the number of links to the count.
///
/// (1), (4) and (7) are store buffering: "list, access era; barrier; read SPTE" against "clear SPTE; barrier; read
///     slots".
/// (2), (3): a page that was read while the access era was current was born no later (hazard_eras.hpp says why): a slot
///     whose access era is older than a page's birth belongs to a walker that cannot hold the page.
/// (5) acquires what (8) releases: the links. It releases the section's reads, through (6), to the thread that frees.
/// (6), (9) are acq_rel on one count, which is zero when all links are dropped *and* their number has been added.
/// Source: R. Nikolaev and B. Ravindran, Snapshot-Free, Transparent, and Robust Memory Reclamation for Lock-Free Data
/// Structures, PLDI 2021 (arXiv 1905.07903). Links are objects of their own, not the batch's pages, so that a zap of
/// one page is a batch; links and batches are kept for reuse. Cost: two xchg per walk, two loads per level, an xchg
/// where a zap came in between. A stalled walker keeps the batches that have a page as old as its newest read, and
/// their other pages.
template <class Machine>
class Hyaline {
  template <class T>
  using Atomic = typename Machine::template Atomic<T>;

 public:
  struct Node {
    std::uint64_t birth = 0;  ///< era
  };
  /// Each read above the leaf raises the access era at most once, which admits batches with a page linked at that time.
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    return load.vcpus * static_cast<std::size_t>(load.levels) * load.most_linked * load.largest_batch;
  }
  static constexpr VariantInfo kInfo{
      .name = "hyaline",
      .family = Family::pointer,
      .summary = "Hyaline-1S: a retired batch counts the walkers that may read it, the last to leave frees it",
      .source = "Nikolaev and Ravindran, PLDI 2021",
      .read_side_cost = "two xchg per walk, two loads per level, an xchg where a zap came in between",
      .unreclaimed_bound = "vCPUs x levels x pages linked at one time x pages of one zap",
      .most_unreclaimed = most_unreclaimed,
      .needs = "nothing"};

  explicit Hyaline(Environment<Machine, Node>& environment) : environment_(environment), slots_(environment.machine) {}

 private:
  struct Batch;
  struct Link {
    Batch* batch = nullptr;
    Link* next = nullptr;
  };
  struct Batch {
    explicit Batch(std::size_t vcpus) : links(new Link[vcpus]) {}
    PageBatch<Node> pages;
    Atomic<std::int64_t> references{0};  // negative until commit() has added the links that it made
    const std::unique_ptr<Link[]> links;
    Batch* next_spare = nullptr;
  };
  struct VcpuSlot {
    Atomic<Link*> list{nullptr};  // null: outside; its end is kEnd
    Atomic<std::uint64_t> access_era{0};
  };

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Hyaline& scheme, typename Machine::Vcpu& vcpu) : scheme_(scheme), slot_(scheme.slots_.of(vcpu)) {}

    void begin() const { slot_.list.exchange(&scheme_.end_of_list_, std::memory_order_seq_cst); }  // (1)
    template <class Slot>
    SpteWord read(const Slot& slot, int level) const {
      SpteWord spte = slot.load(std::memory_order_acquire);  // (2)
      if (level == 1) return spte;
      std::uint64_t reserved = slot_.access_era.load(std::memory_order_relaxed);
      for (;;) {
        const std::uint64_t era = scheme_.era_.load(std::memory_order_acquire);  // (3)
        if (era == reserved) return spte;
        slot_.access_era.exchange(era, std::memory_order_seq_cst);  // (4)
        reserved = era;
        spte = slot.load(std::memory_order_acquire);  // (2)
      }
    }
    bool end() const {
      Link* const list = slot_.list.exchange(nullptr, std::memory_order_acq_rel);  // (5)
      if (list != &scheme_.end_of_list_) [[unlikely]]
        scheme_.drop_all(list);
      return true;
    }

   private:
    Hyaline& scheme_;
    VcpuSlot& slot_;
  };

  void birth(VariantPage<Node>& page) { page.node.birth = era_.load(std::memory_order_relaxed); }

  void commit(PageBatch<Node>&& pages) {
    environment_.machine.flush_remote_tlbs();
    Machine::full_fence();  // (7)
    std::uint64_t oldest = pages.front().node.birth;
    for (const VariantPage<Node>* page = &pages.front(); page != nullptr; page = page->next) {
      oldest = std::min(oldest, page->node.birth);
    }
    Batch& batch = spare_batch();
    batch.pages = std::move(pages);
    std::int64_t linked = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (link_into(slots_[i], oldest, batch, batch.links[i])) ++linked;
    }
    era_.store(era_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    drop(batch, -linked);  // (9)
  }

  void drain() {}

  template <class Name>
  void name_variables(Name name) {
    name(era_, "era");
    name(spare_, "spare batches");
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      name(slots_[i].list, "list of vCPU ", i);
      name(slots_[i].access_era, "access era of vCPU ", i);
    }
  }

 private:
  Batch& spare_batch() {
    // acquire pairs with the release in recycle(). One popper (mmu_lock): no ABA.
    Batch* spare = spare_.load(std::memory_order_acquire);
    while (spare != nullptr && !spare_.compare_exchange_weak(spare, spare->next_spare, std::memory_order_acquire,
                                                             std::memory_order_acquire)) {
    }
    if (spare != nullptr) return *spare;
    return *batches_.emplace_back(std::make_unique<Batch>(slots_.size()));
  }
  void recycle(Batch& batch) {
    batch.next_spare = spare_.load(std::memory_order_relaxed);
    while (
        !spare_.compare_exchange_weak(batch.next_spare, &batch, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }

  /// False: no walker is in a section there that could read the batch.
  static bool link_into(VcpuSlot& slot, std::uint64_t oldest, Batch& batch, Link& link) {
    link.batch = &batch;
    link.next = slot.list.load(std::memory_order_acquire);
    do {
      if (link.next == nullptr || slot.access_era.load(std::memory_order_acquire) < oldest) return false;
    } while (!slot.list.compare_exchange_weak(link.next, &link, std::memory_order_acq_rel,  // (8)
                                              std::memory_order_acquire));
    return true;
  }

  [[gnu::noinline]] void drop_all(Link* list) {
    while (list != &end_of_list_) {
      Link* const next = list->next;  // after the next line another commit may reuse the batch
      drop(*list->batch, 1);
      list = next;
    }
  }
  void drop(Batch& batch, std::int64_t references) {
    if (batch.references.fetch_sub(references, std::memory_order_acq_rel) != references) return;  // (6)
    environment_.free(std::move(batch.pages));
    recycle(batch);
  }

  Environment<Machine, Node>& environment_;
  Link end_of_list_;
  alignas(64) Atomic<std::uint64_t> era_{1};  // written under mmu_lock
  const PerVcpu<Machine, VcpuSlot> slots_;
  std::vector<std::unique_ptr<Batch>> batches_;  // mmu_lock
  alignas(64) Atomic<Batch*> spare_{nullptr};
};

}  // namespace shadowwalk
