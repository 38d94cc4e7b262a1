// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>

#include "harness/mmu/geometry.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// Address space that takes memory only where it is touched. (page_pool.cpp: another environment supplies its own.)
class Reservation {
 public:
  /// Throws CellError if the system refuses.
  explicit Reservation(std::size_t bytes);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  void* base() const { return base_; }

 private:
  void* base_;
  const std::size_t bytes_;
};

/// Ends a cell whose pool is exhausted: throws CellError, which says how many of its pages `variant` has not freed yet.
[[noreturn]] void fail_exhausted_pool(std::size_t unfreed, std::size_t capacity, std::string_view variant);

/// The memory of shadow pages: tables, and the pages' descriptions in an array of their own, as struct kvm_mmu_page is
/// apart from its table. A table takes 4 KiB whatever the Geometry. Where its "physical address" is that at which it is
/// mapped (Machine::at_address()), table() costs a walker one `and`, as the kernel's __va() costs one addition.
///
/// allocate() needs mmu_lock. release() is lock-free and may be called by any thread.
template <class Machine, class Geometry, class Page>
class PagePool {
 public:
  using Slot = typename Machine::template Atomic<SpteWord>;
  static_assert(Geometry::kEntries * sizeof(Slot) <= kPageBytes);

  /// `capacity`: pages at most. They take only address space until they are allocated.
  explicit PagePool(std::size_t capacity)
      : capacity_(capacity),
        table_memory_(capacity * kPageBytes),
        page_memory_(capacity * sizeof(Page)),
        first_address_(Machine::address_of(table_memory_.base())),
        pages_(static_cast<Page*>(page_memory_.base())) {}

  ~PagePool() {
    for (std::size_t i = 0; i < constructed_; ++i) pages_[i].~Page();
  }

  /// A page whose table holds no entries; null when the pool is exhausted.
  Page* allocate() {
    Page* page = pop_free();
    if (page == nullptr) {
      if (constructed_ == capacity_) return nullptr;
      page = new (&pages_[constructed_]) Page();
      page->address = address_of(constructed_);
      for (std::size_t i = 0; i < Geometry::kEntries; ++i) new (&slots_of(*page)[i]) Slot(0);
      ++constructed_;
      return page;
    }
    // relaxed: the page is published by the release store that links it.
    for (std::size_t i = 0; i < Geometry::kEntries; ++i) slots_of(*page)[i].store(0, std::memory_order_relaxed);
    return page;
  }

  void release(Page& page) {
    page.next_free = free_.load(std::memory_order_relaxed);
    // release: the page's last use comes before its reuse; pairs with the acquire in pop_free().
    while (!free_.compare_exchange_weak(page.next_free, &page, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }

  /// Allocates and releases `pages`, so that their memory is there before the measurement.
  void pretouch(std::size_t pages) {
    Page* touched = nullptr;
    for (std::size_t i = 0; i < pages; ++i) {
      Page* page = allocate();
      if (page == nullptr) break;
      page->next_free = touched;
      touched = page;
    }
    while (touched != nullptr) {
      Page* next = touched->next_free;
      release(*touched);
      touched = next;
    }
  }

  /// The table at an SPTE's address.
  static Slot* table(SpteWord spte) { return static_cast<Slot*>(Machine::at_address(spte_address(spte))); }
  static Slot* slots_of(const Page& page) { return table(page.address); }
  /// The page that owns the table at an SPTE's address: virt_to_page().
  Page& page(SpteWord spte) const { return pages_[(spte_address(spte) - first_address_) >> kPageShift]; }

  /// The same for a scheme, which knows only a part of Page.
  template <class Node>
  PagesByTable<Node> pages_by_table() const {
    return {first_address_, pages_, sizeof(Page)};
  }

  /// The index of the page whose table contains an address as SPTEs have it; nothing if there is none.
  std::optional<std::size_t> index_of(SpteWord address) const {
    const std::size_t index = (address - first_address_) >> kPageShift;
    if (address < first_address_ || index >= capacity_) return std::nullopt;
    return index;
  }

  /// The index of the page whose description contains an address; nothing if there is none.
  std::optional<std::size_t> index_of_description(std::uintptr_t address) const {
    const auto first = reinterpret_cast<std::uintptr_t>(pages_);
    if (address < first || address >= first + capacity_ * sizeof(Page)) return std::nullopt;
    return (address - first) / sizeof(Page);
  }

  std::size_t capacity() const { return capacity_; }
  /// False only where a Reservation cannot throw: the system refused the memory, and the pool is for nothing.
  bool has_memory() const { return table_memory_.base() != nullptr && page_memory_.base() != nullptr; }
  /// Names its variable for the stories of a simulated machine (simulation::Atomic::set_name).
  void set_names() { free_.set_name("the pool's free list"); }

 private:
  SpteWord address_of(std::size_t index) const { return first_address_ + index * kPageBytes; }

  /// One popper at a time (mmu_lock), so that a head that is still there was never removed meanwhile: no ABA.
  Page* pop_free() {
    // acquire pairs with the release in release().
    Page* page = free_.load(std::memory_order_acquire);
    while (page != nullptr &&
           !free_.compare_exchange_weak(page, page->next_free, std::memory_order_acquire, std::memory_order_acquire)) {
    }
    return page;
  }

  const std::size_t capacity_;
  Reservation table_memory_;
  Reservation page_memory_;
  const SpteWord first_address_;
  Page* const pages_;
  std::size_t constructed_ = 0;  // mmu_lock
  alignas(64) typename Machine::template Atomic<Page*> free_{nullptr};
};

}  // namespace shadowwalk
