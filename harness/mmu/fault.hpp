#pragma once

#include "harness/mmu/spte.hpp"

namespace shadowwalk {

/// What the guest's access needs of its leaf.
enum class LeafKind { ram_read, ram_write, mmio };

/// Whether a leaf serves an access of this kind to this gfn.
constexpr bool leaf_serves(SpteWord leaf, Gfn gfn, LeafKind kind) {
  if (kind == LeafKind::mmio) return spte::is_mmio_of(leaf, gfn);
  return spte::is_ram_of(leaf, gfn) && (kind == LeafKind::ram_read || spte::is_writable(leaf));
}

/// direct_page_fault(): builds the missing levels below `root` and installs the leaf. Needs mmu_lock, and a root that
/// is not stale: whoever waited for the lock must look again, so that no unlinked page gains a child.
/// Returns false if the leaf served already (another vCPU was faster: a spurious fault). Throws CellError when there is
/// no memory for a page.
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

}  // namespace shadowwalk
