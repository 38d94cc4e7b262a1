// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/mmu/geometry.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// A variable that may be read while it is written, in place of a plain one: READ_ONCE and WRITE_ONCE.
template <class T>
class RelaxedAtomic {
 public:
  RelaxedAtomic(T value) : value_(value) {}                                    // NOLINT: in place of a T
  operator T() const { return value_.load(std::memory_order_relaxed); }        // NOLINT: the same
  void operator=(T value) { value_.store(value, std::memory_order_relaxed); }  // NOLINT: never chained

 private:
  std::atomic<T> value_;
};

/// What has become of a page that was unlinked.
enum class RetiredPage : std::uint8_t {
  committing,  ///< its commit has not returned, and the page is not free
  deferred,    ///< its commit has returned, and the page is not free
  freed,
};

inline constexpr std::uint64_t kNotDeferred = ~std::uint64_t{0};

/// The MMU's description of one shadow page (struct kvm_mmu_page). Written under mmu_lock, except next_free. A walker
/// may read `level`, `gfn` and `incarnation` of a page that its scheme protects, or that it will later find
/// unprotected.
template <class Node>
struct ShadowPage : VariantPage<Node> {
  RelaxedAtomic<Gfn> gfn = 0;          ///< first gfn that its table translates
  RelaxedAtomic<int> level = 0;        ///< 1: its entries are leaves
  bool invalid = false;                ///< zapped: gains no child, becomes no vCPU's new root
  unsigned root_count = 0;             ///< vCPUs that have it as their root
  unsigned write_flooding_count = 0;   ///< guest writes to the table it shadows since a fault last used it
  std::uint64_t valid_generation = 0;  ///< the MMU's when the page was built; obsolete if they differ
  /// Odd while allocated, even while free: a change within a section is a use after free.
  std::atomic<std::uint64_t> incarnation{0};
  std::uint64_t unlink_ticks = 0;
  std::atomic<RetiredPage> retired = RetiredPage::freed;
  std::uint64_t deferred_ticks = 0;               ///< when its commit returned; kNotDeferred: freed within it
  std::uint64_t freed_ticks = 0;                  ///< if it was freed within a commit, its own or a later one
  std::atomic<std::uint64_t>* awaited = nullptr;  ///< of an unlinked page: somebody's number of pages to become free
  ShadowPage* parent = nullptr;  ///< the page with the slot that holds this one; null for roots, detached pages
  ShadowPage* older = nullptr;   ///< the active list, in order of allocation
  ShadowPage* newer = nullptr;
  ShadowPage* next_free = nullptr;
};

/// Pages in use in order of allocation (kvm->arch.active_mmu_pages). Needs mmu_lock.
template <class Page>
class ActiveList {
 public:
  Page* oldest() const { return oldest_; }

  void push_newest(Page& page) {
    page.older = newest_;
    page.newer = nullptr;
    (newest_ == nullptr ? oldest_ : newest_->newer) = &page;
    newest_ = &page;
    ++size_;
  }
  void erase(Page& page) {
    (page.older == nullptr ? oldest_ : page.older->newer) = page.newer;
    (page.newer == nullptr ? newest_ : page.newer->older) = page.older;
    page.older = page.newer = nullptr;
    --size_;
  }
  std::size_t size() const { return size_; }

 private:
  Page* oldest_ = nullptr;
  Page* newest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace shadowwalk
