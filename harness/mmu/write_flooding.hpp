#pragma once

#include <cstddef>
#include <utility>

#include "harness/mmu/shadow_tree.hpp"

namespace shadowwalk {

/// Writes to a shadowed page table of level 2 or above, without a fault that used its shadow in between, until the
/// shadow is zapped (detect_write_flooding()): by then a fork or an exit rewrites the table, or it is a table no more.
inline constexpr unsigned kWriteFlood = 3;

/// What a page-table write did to the shadow.
struct PageTableWrite {
  std::size_t pages = 0;   ///< shadow pages unlinked
  std::size_t leaves = 0;  ///< SPTEs dropped
  bool flood = false;
};

/// The guest wrote the entry that maps `gfn` in its own level-1 table; with the first entry of that table it wrote the
/// level-2 entry too that points to it, as fork and exit make and free tables.
///
/// Level 1: the SPTE is dropped, and nothing is flushed, since the guest flushes for itself: KVM lets such tables be
/// out of sync and drops the SPTE when that flush has it synchronise. Level 2 (kvm_mmu_track_write()): the shadow of
/// the level-1 table is zapped, or, at the kWriteFlood-th write, the level-2 shadow with all below it. KVM keeps the
/// level-1 shadow for who may look it up again; without its hash table nobody could here.
///
/// Needs mmu_lock, which `guard` holds, outside a read-side section.
template <class Tree>
PageTableWrite track_page_table_write(Tree& tree, const typename Tree::Guard& guard, Gfn gfn) {
  PageTableWrite write;
  typename Tree::Page* const directory = tree.find_current(gfn, 2);
  if (directory == nullptr) return write;  // no shadow, nothing to keep in step
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
