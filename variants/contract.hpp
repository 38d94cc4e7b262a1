// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "harness/machine/machine.hpp"

/// The contract between a reclamation scheme ("variant") and the MMU that it serves.
///
/// A variant owns the answer to "when may a shadow page that was unlinked be freed?" and nothing else. It is a class
/// template over a Machine (harness/machine/machine.hpp has the contract) of this shape:
///
///   template <class Machine>
///   class MyScheme {
///    public:
///     struct Node {};                                  // embedded in each shadow page
///     static constexpr VariantInfo kInfo{...};
///     explicit MyScheme(Environment<Machine, Node>&);
///     class Walker {                                   // one per vCPU, made, used and destroyed on the vCPU's thread
///      public:
///       Walker(MyScheme&, typename Machine::Vcpu&);
///       void begin();                                  // the read-side section starts
///       SpteWord read(const typename Machine::template Atomic<SpteWord>& slot, int level);
///       bool end();                                    // ends it: may what was read be used?
///       void offline();                                // before KVM_RUN, taking mmu_lock, idling ...
///       void online();                                 // ... and after
///     };
///     void birth(VariantPage<Node>&);                  // before a page is linked; mmu_lock held
///     void commit(PageBatch<Node>&&);                  // a zap's pages; see below
///     void drain();                                    // no walker is left: free everything
///     template <class Name>
///     void name_variables(Name name);                  // optional: see below
///   };
///
/// read() is the protected load of a slot in a table of `level` (1 = leaf); the engine calls it once per level, from
/// the root down, between begin() and end(). It may return kRestartWalk: the engine then calls end() and starts again.
/// If end() returns false, the engine discards the result and starts again.
///
/// A Walker is online when it is made, and offline() is the last call before it is destroyed: a scheme that must know
/// which vCPUs may be walking needs no destructor for that, and its Walker can be copied.
///
/// A Walker without state of its own (StatelessWalker below: begin(), read() and end() are const, it copies as bytes)
/// is copied for and within each walk, so that its pointers stay in registers. Otherwise the compiler must load them
/// again after each barrier, and that nanosecond would be the lab's cost, not the scheme's.
///
/// commit() is never called with an empty batch. It runs on any thread, vCPUs included, with mmu_lock held as in the
/// kernel and the caller's interrupt gate open, outside begin/end. It frees its pages now or later, on any thread and
/// without an engine lock, but never while a walker that could have reached them is between begin() and end(). It must
/// call Machine::flush_remote_tlbs(). Every scheme pays for that alike, so that differences are the scheme's own.
/// It allocates nothing and waits for no walker, or it can run in a kernel only under a mmu_lock that sleeps
/// (harness/kernel/needs_mutex.hpp says which).
///
/// A scheme that needs what only some machines have (HasSrcu) says so in the bodies of its functions and in its Walker:
/// its kInfo, with kernel_only, is there for every machine.
///
/// name_variables() names the scheme's shared variables: name(variable, "epoch"), or
/// name(variable, "epoch announced by vCPU ", i). The stories of `shadowwalk verify` use these names; without them they
/// say "variable 16". Nothing else calls it.
///
/// What the engine promises. Before commit(), every slot that holds a page of the batch is cleared, in live pages and
/// in pages that are unlinked but not yet freed, and so is every child slot of the batch's pages. No unlinked page
/// ever gains a child. So a walker that protects a page, and then still finds it in the slot it came from, has
/// protected it in time. A root is in no slot: vCPUs hold counted references, which they drop outside begin/end.
/// Tables and VariantPages are type-stable: while the variant lives, neither goes away, a Node is made once for all
/// reuses of its page, and slots stay slots. A scheme that finds out afterwards whether what it read may be used (a
/// reference count that is taken back, a generation, a restart) may access them whatever they have become.
namespace shadowwalk {

/// One shadow page-table entry. Its bits are the MMU's (harness/mmu/spte.hpp); these two are all that schemes need.
using SpteWord = std::uint64_t;
inline constexpr SpteWord kSptePresent = 1;                      ///< bit 0, as in hardware
inline constexpr SpteWord kSpteAddress = 0x000f'ffff'ffff'f000;  ///< bits 12..51: of the next table, or the page
/// What read() returns to send the walk back to the root. Not present, so that the fast path pays nothing for it.
inline constexpr SpteWord kRestartWalk = 0x9e57'a127'0000'0000;

constexpr bool spte_is_present(SpteWord spte) { return (spte & kSptePresent) != 0; }
constexpr SpteWord spte_address(SpteWord spte) { return spte & kSpteAddress; }

/// What a scheme sees of a shadow page.
template <class Node>
struct VariantPage {
  SpteWord address = 0;  ///< of its table, as it stands in the SPTE that points to it; constant
  [[no_unique_address]] Node node{};
  VariantPage* next = nullptr;  ///< the batch's link; the scheme's own from commit() until it frees the page
};

/// The pages of one zap, in the order of their unlinking. Move-only; its holder owns the pages.
template <class Node>
class PageBatch {
 public:
  using Page = VariantPage<Node>;

  PageBatch() = default;
  PageBatch(PageBatch&& other) noexcept { take(other); }
  PageBatch& operator=(PageBatch&& other) noexcept {
    take(other);
    return *this;
  }

  void push_back(Page& page) {
    page.next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = &page;
    last_ = &page;
    ++size_;
  }
  /// Appends all of `other`, which is empty afterwards.
  void splice(PageBatch&& other) {
    if (other.empty()) return;
    (last_ == nullptr ? first_ : last_->next) = other.first_;
    last_ = other.last_;
    size_ += other.size_;
    other.forget();
  }
  Page& front() const { return *first_; }
  Page& pop_front() {
    Page& page = *first_;
    first_ = page.next;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return page;
  }
  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }

 private:
  void take(PageBatch& other) {
    first_ = other.first_;
    last_ = other.last_;
    size_ = other.size_;
    other.forget();
  }
  void forget() {
    first_ = last_ = nullptr;
    size_ = 0;
  }

  Page* first_ = nullptr;
  Page* last_ = nullptr;
  std::size_t size_ = 0;
};

/// The shadow pages of a tree by the addresses of their tables: an array of pages beside an array of tables, as the
/// kernel's virt_to_page() has them. A view: copies are of the same pages.
template <class Node>
class PagesByTable {
 public:
  /// `first_page` describes the table at `first_table`; the next descriptions follow, each `page_bytes` after the last.
  PagesByTable(SpteWord first_table, VariantPage<Node>* first_page, std::size_t page_bytes)
      : first_table_(first_table), first_page_(reinterpret_cast<std::byte*>(first_page)), page_bytes_(page_bytes) {}
  VariantPage<Node>& operator[](SpteWord spte) const {
    const std::size_t index = (spte_address(spte) - first_table_) >> std::countr_zero(kSpteAddress);
    return *reinterpret_cast<VariantPage<Node>*>(first_page_ + index * page_bytes_);
  }

 private:
  SpteWord first_table_;
  std::byte* first_page_;
  std::size_t page_bytes_;
};

/// What a variant gets to work with.
template <Machine MachineType, class Node>
class Environment {
 public:
  Environment(MachineType& machine_in, typename MachineType::MmuLock& mmu_lock_in, const PagesByTable<Node>& pages_in)
      : machine(machine_in), mmu_lock(mmu_lock_in), pages(pages_in) {}
  virtual ~Environment() = default;

  /// Frees a retired page: takes it out of the count, records when that was, fills it with poison, gives it back.
  /// Within commit() all but the first happen when mmu_lock is released. Any thread; takes no lock.
  virtual void free(VariantPage<Node>& page) = 0;
  void free(PageBatch<Node>&& batch) {
    while (!batch.empty()) free(batch.pop_front());
  }

  MachineType& machine;
  typename MachineType::MmuLock& mmu_lock;
  /// pages[spte]: the page to whose table a present non-leaf SPTE points. The page must be protected, or the SPTE must
  /// have been read while its own table was: in a table that was reused, an entry need not be the address of a table.
  /// Part of a walk, so no virtual call.
  const PagesByTable<Node> pages;
};

/// What a bound on unreclaimed pages can depend on. "Linked" are pages from birth() to commit().
struct ReclamationLoad {
  std::size_t vcpus = 0;          ///< Machine::vcpus().size()
  int levels = 0;                 ///< of the tree: a walk passes `levels` - 1 tables below the root
  std::size_t largest_batch = 0;  ///< pages of one commit() at most
  std::size_t most_linked = 0;    ///< pages linked at one time at most
};

/// The most pages that commit() has got and that are not free yet, whenever no commit() is running; nothing: there is
/// no bound. Pure.
using UnreclaimedBound = std::optional<std::size_t> (*)(const ReclamationLoad&);
constexpr std::optional<std::size_t> no_unreclaimed_bound(const ReclamationLoad&) { return std::nullopt; }
constexpr std::optional<std::size_t> all_freed_in_commit(const ReclamationLoad&) { return 0; }

/// How a scheme knows that no walker reads a page any more.
enum class Family {
  other,
  kernel,      ///< as an operating system's kernel does it
  epoch,       ///< walkers announce when they walk
  pointer,     ///< walkers announce the tables they walk through, or when these were made
  optimistic,  ///< walkers find out afterwards
  lock,        ///< walkers keep freers out
  control,     ///< for comparison
  negative     ///< a scheme without a step that it needs
};

/// What `shadowwalk list variants` and reports say about a variant.
struct VariantInfo {
  std::string_view name;
  Family family = Family::other;
  std::string_view summary;
  std::string_view source;
  std::string_view read_side_cost;
  std::string_view unreclaimed_bound;  ///< on pages that are unlinked and not yet freed
  /// The same as a number, which `shadowwalk verify` and the stress tests check; the words begin with "none" or "0"
  /// where the number is none or 0. Null: the scheme claims nothing and nothing is checked (no shipped scheme's is
  /// null).
  UnreclaimedBound most_unreclaimed = nullptr;
  std::string_view needs;
  /// Calls Machine::membarrier_all(), or walks under RCU: where a process may not use membarrier, liburcu's read side
  /// has a full fence in each section, and its cost is no kernel's. Then the lab refuses to measure the variant.
  bool needs_membarrier = false;
  bool kernel_only = false;  ///< user space has no such thing as `needs` names: for --machine kernel and kernel-vm
  bool safe = true;          ///< false: a negative control, which the lab must catch
};

constexpr std::string_view to_string(Family family) {
  switch (family) {
    case Family::kernel:
      return "kernel";
    case Family::epoch:
      return "epochs";
    case Family::pointer:
      return "pointers";
    case Family::optimistic:
      return "optimistic";
    case Family::lock:
      return "locks";
    case Family::control:
      return "controls";
    case Family::negative:
      return "negative";
    case Family::other:
      break;
  }
  return "other";
}

/// A Walker that the engine may copy for each walk.
template <class Walker, class Slot>
concept StatelessWalker = std::is_trivially_copyable_v<Walker> && requires(const Walker& walker, const Slot& slot) {
  walker.begin();
  walker.read(slot, 1);
  walker.end();
};

/// The parts of a Walker that most schemes leave empty.
template <class Machine>
struct PlainWalker {
  template <class Slot>
  static SpteWord read(const Slot& slot, int /*level*/) {
    // acquire pairs with the release store that links a child: its table is seen initialised.
    return slot.load(std::memory_order_acquire);
  }
  static void offline() {}
  static void online() {}
};

}  // namespace shadowwalk
