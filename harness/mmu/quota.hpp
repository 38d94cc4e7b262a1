#pragma once

#include <cstddef>
#include <utility>

#include "harness/mmu/shadow_tree.hpp"

namespace shadowwalk {

/// The page quota (kvm->arch.n_max_mmu_pages), enforced where pages are made: on the fault path.
inline constexpr std::size_t kMinFreePages = 5;  ///< KVM_MIN_FREE_MMU_PAGES: a fault needs a page a level at most
inline constexpr std::size_t kRefillPages =
    25;  ///< KVM_REFILL_PAGES: once it recycles, it makes room for several faults
/// KVM_MIN_ALLOC_MMU_PAGES: a smaller quota would recycle what the fault has just built.
inline constexpr std::size_t kSmallestQuota = 64;

/// make_mmu_pages_available(): where fewer than kMinFreePages are left of the quota, zaps the oldest pages, with their
/// subtrees, until kRefillPages are, with one commit. Needs mmu_lock, which `guard` holds, outside a read-side section.
/// Returns the shadow pages unlinked.
template <class Tree>
std::size_t make_pages_available(Tree& tree, const typename Tree::Guard& guard) {
  if (tree.quota() == 0) return 0;
  const auto available = [&] { return tree.used_pages() < tree.quota() ? tree.quota() - tree.used_pages() : 0; };
  if (available() >= kMinFreePages) return 0;
  typename Tree::Batch batch;
  std::size_t unlinked = 0;
  while (available() < kRefillPages) {
    typename Tree::Page* page = tree.active().oldest();
    while (page != nullptr && page->root_count != 0) page = page->newer;
    if (page == nullptr) break;
    unlinked += tree.prepare_zap(*page, batch, true);
  }
  tree.commit_zap(guard, std::move(batch));
  return unlinked;
}

}  // namespace shadowwalk
