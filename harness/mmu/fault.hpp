// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <utility>

#include "harness/mmu/shadow_tree.hpp"
#include "harness/mmu/spte.hpp"

/// What a vCPU does under mmu_lock: faults, with the page quota that they enforce, and emulated page-table writes.
namespace shadowwalk {

/// What the guest's access needs from its leaf.
enum class LeafKind { ram_read, ram_write, mmio };

/// Whether a leaf serves an access of this kind to this gfn.
constexpr bool leaf_serves(SpteWord leaf, Gfn gfn, LeafKind kind) {
  if (kind == LeafKind::mmio) return spte::is_mmio_of(leaf, gfn);
  return spte::is_ram_of(leaf, gfn) && (kind == LeafKind::ram_read || spte::is_writable(leaf));
}

/// direct_page_fault(): builds the missing levels below `root` and installs the leaf. Needs mmu_lock, and a root that
/// is not stale: a caller that waited for the lock must check the root again, so that no unlinked page gains a child.
/// Returns false if the leaf served already (another vCPU was faster: a spurious fault). Fails as
/// ShadowTree::new_page().
template <class Tree>
bool map_leaf(Tree& tree, typename Tree::Page& root, Gfn gfn, LeafKind kind) {
  using Page = typename Tree::Page;
  Page* page = &root;
  while (page->level > 1) {
    // relaxed: the tree changes under mmu_lock only.
    const SpteWord entry = tree.slot_of(*page, gfn).load(std::memory_order_relaxed);
    if (spte::is_present(entry)) {
      page = &tree.pool().page(entry);
      if (page->write_flooding_count != 0) page->write_flooding_count = 0;  // it is in use
    } else {
      Page& child = tree.new_page(page->level - 1, gfn);
      tree.link(*page, child);
      page = &child;
    }
  }
  auto& slot = tree.slot_of(*page, gfn);
  if (leaf_serves(slot.load(std::memory_order_relaxed), gfn, kind)) return false;
  // relaxed: a leaf publishes no memory of ours. A walker's cmpxchg that makes it writable meanwhile loses nothing.
  slot.store(kind == LeafKind::mmio ? spte::mmio(gfn) : spte::ram(gfn, kind == LeafKind::ram_write),
             std::memory_order_relaxed);
  return true;
}

// --- The page quota (kvm->arch.n_max_mmu_pages), enforced where pages are made

/// KVM_MIN_FREE_MMU_PAGES: a fault needs at most one page per level.
inline constexpr std::size_t kMinFreePages = 5;
/// KVM_REFILL_PAGES: recycling makes room for several faults.
inline constexpr std::size_t kRefillPages = 25;
/// KVM_MIN_ALLOC_MMU_PAGES: a smaller quota would recycle what the fault has just built.
inline constexpr std::size_t kSmallestQuota = 64;

/// make_mmu_pages_available(): if fewer than kMinFreePages are left of the quota, recycles the oldest pages until
/// kRefillPages are left, with one commit. Needs mmu_lock, which `guard` holds, outside a read-side
/// section. Returns the number of shadow pages unlinked.
template <class Tree>
std::size_t make_pages_available(Tree& tree, const typename Tree::Guard& guard) {
  if (tree.quota() == 0) return 0;
  const auto available = [&] { return tree.used_pages() < tree.quota() ? tree.quota() - tree.used_pages() : 0; };
  if (available() >= kMinFreePages) return 0;
  typename Tree::Batch batch;
  std::size_t unlinked = 0;
  while (available() < kRefillPages) {
    typename Tree::Page* const page = tree.next_to_recycle();
    if (page == nullptr) break;
    unlinked += tree.prepare_zap(*page, batch, true);
  }
  tree.commit_zap(guard, std::move(batch));
  return unlinked;
}

// --- Page-table writes

/// After so many writes to a shadowed page table of level 2 or above, without a fault that used its shadow in between,
/// the shadow is zapped (detect_write_flooding()): by then a fork or an exit rewrites the table, or it is no longer a
/// table.
inline constexpr unsigned kWriteFlood = 3;

/// What a page-table write changed in the shadow.
struct PageTableWrite {
  std::size_t pages = 0;   ///< shadow pages unlinked
  std::size_t leaves = 0;  ///< SPTEs dropped
  bool flood = false;
};

/// The guest wrote the entry that maps `gfn` in its own level-1 table. If that is the table's first entry, it also
/// wrote the level-2 entry that points to the table, as fork and exit make and free tables.
///
/// Level 1: the SPTE is dropped and nothing is flushed, since the guest flushes by itself: KVM lets such tables go out
/// of sync and drops the SPTE when that flush makes it synchronise. Level 2 (kvm_mmu_track_write()): the shadow of the
/// level-1 table is zapped, or, at the kWriteFlood-th write, the level-2 shadow with everything below it. KVM keeps the
/// level-1 shadow in its hash table for later use; the lab has no such table.
///
/// Needs mmu_lock, which `guard` holds, outside a read-side section.
template <class Tree>
PageTableWrite track_page_table_write(Tree& tree, const typename Tree::Guard& guard, Gfn gfn) {
  PageTableWrite write;
  typename Tree::Page* const directory = tree.find_current(gfn, 2);
  if (directory == nullptr) return write;  // no shadow to update
  typename Tree::Page* const table = tree.find_current(gfn, 1);
  if (gfn == Tree::Geometry::base(gfn, 1)) {
    write.flood = ++directory->write_flooding_count >= kWriteFlood;
    if (typename Tree::Page* const zapped = write.flood ? directory : table; zapped != nullptr) {
      typename Tree::Batch batch;
      write.pages = tree.prepare_zap(*zapped, batch, true);
      tree.commit_zap(guard, std::move(batch));
    }
  } else if (table != nullptr) {
    auto& slot = tree.slot_of(*table, gfn);
    // relaxed: no page is freed, and the leaf itself is all that changes.
    write.leaves = slot.load(std::memory_order_relaxed) == spte::kAbsent ? 0 : 1;
    slot.store(spte::kAbsent, std::memory_order_relaxed);
  }
  return write;
}

}  // namespace shadowwalk
