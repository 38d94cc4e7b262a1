// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "harness/mmu/mmu_counts.hpp"
#include "harness/mmu/shadow_tree.hpp"

namespace shadowwalk {

/// The zap paths. Each takes mmu_lock, prepares, commits, and returns when commit has returned. Any thread that is
/// outside a read-side section may call them, vCPUs included.
template <class Tree>
class Zapper {
 public:
  using Page = typename Tree::Page;
  using Batch = typename Tree::Batch;
  using Machine = typename Tree::Machine;
  using Geometry = typename Tree::Geometry;
  using Guard = typename Tree::Guard;

  /// Pages of a zap-everything between two chances for others to take the lock (BATCH_ZAP_PAGES in the kernel).
  static constexpr std::size_t kLockBreakPages = 10;

  explicit Zapper(Tree& tree) : tree_(tree) {}

  /// The page of `level` that translates `gfn`, with its subtree: what a guest's write to a page table does.
  Zapped zap_page(Gfn gfn, int level) {
    Guard guard(tree_, LockHolder::zap);
    Batch batch;
    Zapped zapped;
    if (Page* page = tree_.find_current(gfn, level)) zapped.pages = tree_.prepare_zap(*page, batch, true);
    tree_.commit_zap(guard, std::move(batch));
    zapped.ended = guard.unlock();
    return zapped;
  }

  /// What the shrinker does: recycles `count` pages.
  Zapped recycle(std::size_t count) {
    return recycle(count, [](const Batch&) {});
  }
  /// The same; calls `on_batch` with the batch before the commit.
  template <class OnBatch>
  Zapped recycle(std::size_t count, OnBatch on_batch) {
    return zap_one_by_one(
        count, [&] { return tree_.next_to_recycle(); }, on_batch);
  }
  /// The oldest page of one level that is no vCPU's root, with its subtree.
  Zapped zap_oldest_at(int level) {
    const auto oldest = [&] {
      Page* page = tree_.active().oldest();
      while (page != nullptr && (page->root_count != 0 || page->level != level)) page = page->newer;
      return page;
    };
    return zap_one_by_one(1, oldest, [](const Batch&) {});
  }

  /// kvm_mmu_zap_all_fast(), a memslot's delete or move: flip the valid generation, ask all vCPUs to drop their roots,
  /// zap what is obsolete oldest first, with lock breaks, ONE commit at the end.
  Zapped zap_all() {
    Guard guard(tree_, LockHolder::zap);
    tree_.flip_valid_generation();
    tree_.machine().request_root_reload();
    Batch batch;
    Zapped zapped;
    std::size_t since_break = 0;
    for (;;) {
      // The list is in order of allocation: no obsolete page follows the first page of the new generation.
      Page* page = tree_.active().oldest();
      if (page == nullptr || !tree_.is_obsolete(*page)) break;
      if (since_break >= kLockBreakPages && tree_.lock().contended()) {
        since_break = 0;
        guard.break_lock();
        continue;  // the list may have changed
      }
      zapped.pages += tree_.prepare_zap(*page, batch, false);
      ++since_break;
    }
    tree_.commit_zap(guard, std::move(batch));
    zapped.ended = guard.unlock();
    return zapped;
  }

  /// Clears the leaves of [first, last): an mmu_notifier's invalidation, a balloon. Frees no page; flushes if it
  /// cleared any leaf.
  Zapped zap_gfn_range(Gfn first, Gfn last) {
    Gfn next = first;
    return zap_first(first, last, kAll, next);
  }
  /// The same for the first `most` leaves only. `next`: where to continue.
  Zapped zap_first(Gfn first, Gfn last, std::size_t most, Gfn& next) {
    return for_each_leaf(first, last, most, next, [](auto& slot, SpteWord) {
      slot.store(spte::kAbsent, std::memory_order_relaxed);
      return true;
    });
  }

  /// Takes the W bit from the leaves of [first, last): dirty logging. The next write takes the lockless make-writable
  /// path.
  Zapped write_protect(Gfn first, Gfn last) {
    Gfn next = first;
    return write_protect_first(first, last, kAll, next);
  }
  /// The same for the first `most` writable leaves only: KVM_CLEAR_DIRTY_LOG of a part. `next`: where to continue.
  Zapped write_protect_first(Gfn first, Gfn last, std::size_t most, Gfn& next) {
    return for_each_leaf(first, last, most, next, [](auto& slot, SpteWord leaf) {
      if (!spte::is_present(leaf) || !spte::is_writable(leaf)) return false;
      // An atomic and: a walker's cmpxchg may be setting W at the same time. relaxed: the flush orders it.
      slot.fetch_and(~(spte::kWritable | spte::kDirty), std::memory_order_relaxed);
      return true;
    });
  }

 private:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  /// Up to `count` pages, each with its subtree, as `next` chooses them; one commit.
  template <class Next, class OnBatch>
  Zapped zap_one_by_one(std::size_t count, Next next, OnBatch on_batch) {
    Guard guard(tree_, LockHolder::zap);
    Batch batch;
    Zapped zapped;
    for (std::size_t i = 0; i < count; ++i) {
      Page* const page = next();
      if (page == nullptr) break;
      zapped.pages += tree_.prepare_zap(*page, batch, true);
    }
    on_batch(std::as_const(batch));
    tree_.commit_zap(guard, std::move(batch));
    zapped.ended = guard.unlock();
    return zapped;
  }

  /// Calls `change` for the leaves of [first, last) in order, until it has changed `most` of them, and flushes if it
  /// changed any. `next`: the first gfn that was not visited.
  template <class Change>
  Zapped for_each_leaf(Gfn first, Gfn last, std::size_t most, Gfn& next, Change change) {
    Guard guard(tree_, LockHolder::zap);
    Zapped zapped;
    for (next = first; next < last && zapped.leaves < most;) {
      Page* page = tree_.find_current(next, 1);
      if (page == nullptr) {
        next = std::min(last, end_of_hole(next));
        continue;
      }
      const Gfn end = std::min(last, Geometry::base(next, 1) + Geometry::span(1));
      for (; next < end && zapped.leaves < most; ++next) {
        auto& slot = tree_.slot_of(*page, next);
        const SpteWord leaf = slot.load(std::memory_order_relaxed);
        if (leaf != spte::kAbsent && change(slot, leaf)) ++zapped.leaves;
      }
    }
    if (zapped.leaves != 0) tree_.machine().flush_remote_tlbs();
    zapped.ended = guard.unlock();
    return zapped;
  }

  /// The first gfn after `gfn`, which no level-1 page translates, that the highest absent table does not cover.
  Gfn end_of_hole(Gfn gfn) {
    int level = 1;
    while (level + 1 < Geometry::kLevels && tree_.find_current(gfn, level + 1) == nullptr) ++level;
    return Geometry::base(gfn, level) + Geometry::span(level);
  }

  Tree& tree_;
};

}  // namespace shadowwalk
