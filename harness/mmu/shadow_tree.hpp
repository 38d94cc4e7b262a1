// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "harness/machine/check.hpp"
#include "harness/machine/machine.hpp"
#include "harness/measure/footprint.hpp"
#include "harness/mmu/measured_lock.hpp"
#include "harness/mmu/mmu_counts.hpp"
#include "harness/mmu/page_pool.hpp"
#include "harness/mmu/shadow_page.hpp"
#include "harness/mmu/spte.hpp"
#include "harness/probes/probes.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// The shadow pages of one guest: the tree, its root, the order of allocation, and the variant that decides when an
/// unlinked page may be freed. The fault path (fault.hpp), the zapper (zapper.hpp) and vCPUs (vcpu_mmu.hpp) work on it.
/// Everything here needs mmu_lock unless it says otherwise.
template <Machine MachineType, template <class> class VariantTemplate, class GeometryType>
class ShadowTree {
 public:
  using Machine = MachineType;
  using Geometry = GeometryType;
  using Variant = VariantTemplate<Machine>;
  using Node = typename Variant::Node;
  using Page = ShadowPage<Node>;
  using Batch = PageBatch<Node>;
  using Pool = PagePool<Machine, Geometry, Page>;
  using Slot = typename Pool::Slot;

  /// mmu_lock for a scope. Pages that a commit freed meanwhile are recorded and get their poison after it is released:
  /// a kernel does neither, and only schemes that free in commit would hold the lock for it.
  class Guard {
   public:
    Guard(ShadowTree& tree, LockHolder holder) : tree_(tree), lock_(tree.lock_, holder) {}
    ~Guard() {
      if (lock_.is_held()) unlock();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    /// As MeasuredMmuLock::Guard.
    void break_lock() { lock_.break_lock(); }
    std::uint64_t held_ticks(std::uint64_t now) const { return lock_.held_ticks(now); }
    std::uint64_t unlock() {
      Batch freed = std::exchange(tree_.unrecorded_, {});
      const std::uint64_t now = lock_.unlock();
      while (!freed.empty()) {
        Page& page = page_from(freed.pop_front());
        tree_.record_free(page, retired_of(page, page.deferred_ticks != kNotDeferred), page.freed_ticks);
        tree_.give_back(page);
      }
      return now;
    }

   private:
    ShadowTree& tree_;
    typename MeasuredMmuLock<Machine>::Guard lock_;
  };

  /// `capacity`: shadow pages at most, retired ones included. `counters`: see Footprint. Calibrates the machine's
  /// clock, so that no thread does so later.
  ShadowTree(Machine& machine, MmuLockKind lock_kind, const Window& window, std::size_t capacity,
             Clocks clocks = Clocks::on, FootprintCounters* counters = nullptr)
      : machine_(machine),
        window_(window),
        lock_(lock_kind, window, clocks),
        pool_(capacity),
        footprint_(window, Machine::to_whole_ns, counters),
        environment_(*this),
        variant_(environment_) {
    Machine::to_whole_ns(0);
  }

  ShadowTree(const ShadowTree&) = delete;
  ShadowTree& operator=(const ShadowTree&) = delete;

  Machine& machine() { return machine_; }
  MeasuredMmuLock<Machine>& lock() { return lock_; }
  const MeasuredMmuLock<Machine>& lock() const { return lock_; }
  Variant& variant() { return variant_; }
  Pool& pool() { return pool_; }
  const Pool& pool() const { return pool_; }
  Footprint& footprint() { return footprint_; }
  const Footprint& footprint() const { return footprint_; }
  ActiveList<Page>& active() { return active_; }
  /// Written under mmu_lock: read it when zappers have stopped.
  const ZapTimes& zap_times() const { return zap_times_; }
  /// Pages that count against the MMU's quota. As in the kernel it falls at the unlink, before the memory is free.
  std::size_t used_pages() const { return active_.size(); }
  /// Pages at most (fault.hpp); 0: no quota. Set before vCPUs attach.
  void set_quota(std::size_t pages) { quota_ = pages; }
  std::size_t quota() const { return quota_; }
  std::uint64_t valid_generation() const { return valid_generation_; }

  static Page& page_from(VariantPage<Node>& page) { return static_cast<Page&>(page); }

  // --- Roots: held by counted references of vCPUs, in no slot.

  /// The current root with one more reference.
  Page& get_root() {
    if (root_ == nullptr) root_ = &new_page(Geometry::kLevels, 0);
    ++root_->root_count;
    return *root_;
  }
  /// Drops a reference. The last one to an invalid root retires it, outside any section of the caller's.
  void put_root(Page& root) {
    if (--root.root_count == 0 && root.invalid) {
      Batch batch;
      retire(root, batch);
      commit_zap(std::move(batch));
    }
  }
  /// Null before the first vCPU, and between a flip and the first reload.
  Page* current_root() { return root_; }
  bool root_is_stale(const Page& root) const { return root.invalid || root.valid_generation != valid_generation_; }

  /// kvm_mmu_zap_all_fast()'s flip: every page there is becomes obsolete, roots included; vCPUs build a new tree.
  void flip_valid_generation() {
    ++valid_generation_;
    root_ = nullptr;
  }
  bool is_obsolete(const Page& page) const { return page.valid_generation != valid_generation_; }

  // --- Linking

  /// A page for level `level` and `gfn`'s table of that level, not yet linked. Fails by fail_exhausted_pool().
  Page& new_page(int level, Gfn gfn) {
    Page* page = pool_.allocate();
    if (page == nullptr) fail_exhausted_pool(footprint_.retired(), pool_.capacity(), Variant::kInfo.name);
    page->gfn = Geometry::base(gfn, level);
    page->level = level;
    page->invalid = false;
    page->root_count = 0;
    page->write_flooding_count = 0;
    page->parent = nullptr;
    page->valid_generation = valid_generation_;
    // relaxed: published with the rest of the page by the release store that links it.
    page->incarnation.fetch_add(1, std::memory_order_relaxed);
    active_.push_newest(*page);
    footprint_.on_allocate(lock_.now());
    variant_.birth(*page);
    return *page;
  }

  void link(Page& parent, Page& child) {
    SHADOWWALK_CHECK(!parent.invalid, "an unlinked page must not gain a child");
    child.parent = &parent;
    // release pairs with the acquire in Walker::read(): a walker that sees the entry sees an initialised table.
    slot_of(parent, child.gfn).store(spte::table(child.address), std::memory_order_release);
  }

  Slot& slot_of(const Page& page, Gfn gfn) { return pool_.slots_of(page)[Geometry::index(gfn, page.level)]; }

  /// The page of `level` that translates `gfn` below the current root; null if it is not there.
  Page* find_current(Gfn gfn, int level) {
    Page* page = root_;
    while (page != nullptr && page->level > level) {
      // relaxed: the tree changes under mmu_lock only.
      const SpteWord entry = slot_of(*page, gfn).load(std::memory_order_relaxed);
      page = spte::is_present(entry) ? &pool_.page(entry) : nullptr;
    }
    return page;
  }

  /// The page that goes first when a page quota or the shrinker recycles: the oldest leaf table; where there is none,
  /// the oldest page that is no vCPU's root; null: there is none. KVM takes the oldest page of any level and keeps the
  /// children of an upper one in its hash table for the next fault, so that it loses one page, too. The lab has no such
  /// table, and would lose all below.
  Page* next_to_recycle() const {
    Page* upper = nullptr;
    for (Page* page = active_.oldest(); page != nullptr; page = page->newer) {
      if (page->root_count != 0) continue;
      if (page->level == 1) return page;
      if (upper == nullptr) upper = page;
    }
    return upper;
  }

  // --- Unlinking

  /// kvm_mmu_prepare_zap_page(): clears the slot that holds the page and every slot of its own, takes it off the active
  /// list and puts it on the batch. `subtree`: its descendants too; else they stay, detached, for the caller to zap.
  /// A root in use stays allocated until its last vCPU drops it (put_root). Returns the number of pages unlinked.
  std::size_t prepare_zap(Page& page, Batch& batch, bool subtree) {
    // All stores here are relaxed: the barrier that orders them before the variant looks for walkers is commit's.
    if (page.parent != nullptr) {
      slot_of(*page.parent, page.gfn).store(spte::kAbsent, std::memory_order_relaxed);
      page.parent = nullptr;
    }
    page.invalid = true;
    if (&page == root_) root_ = nullptr;
    active_.erase(page);

    std::size_t unlinked = 1;
    Slot* const slots = pool_.slots_of(page);
    for (std::size_t i = 0; i < Geometry::kEntries; ++i) {
      const SpteWord old = slots[i].load(std::memory_order_relaxed);
      if (old == spte::kAbsent) continue;
      slots[i].store(spte::kAbsent, std::memory_order_relaxed);
      if (page.level == 1) continue;
      Page& child = pool_.page(old);
      child.parent = nullptr;
      if (subtree) unlinked += prepare_zap(child, batch, true);
    }
    if (page.root_count == 0) {
      retire(page, batch);
    } else if (!is_obsolete(page)) {
      machine_.request_root_reload();  // a flip has requested it already
    }
    return unlinked;
  }

  /// kvm_mmu_commit_zap_page(): leaves the batch to the variant.
  void commit_zap(Batch&& batch) {
    if (!batch.empty()) commit_at(lock_.now(), std::move(batch));
  }
  /// The same, at the end of a zap that has prepared its batch under `guard`.
  void commit_zap(const Guard& guard, Batch&& batch) {
    if (batch.empty()) return;
    const std::uint64_t now = lock_.now();
    if (window_.contains(now)) zap_times_.prepare_ns.record(Machine::to_whole_ns(guard.held_ticks(now)));
    commit_at(now, std::move(batch));
  }

 private:
  using Cpu = typename Machine::Vcpu::Cpu;

  class TreeEnvironment final : public Environment<Machine, Node> {
   public:
    explicit TreeEnvironment(ShadowTree& tree)
        : Environment<Machine, Node>(tree.machine_, tree.lock_.raw(), tree.pool_.template pages_by_table<Node>()),
          tree_(tree) {}
    using Environment<Machine, Node>::free;
    void free(VariantPage<Node>& page) override { tree_.free(page_from(page)); }

   private:
    ShadowTree& tree_;
  };

  void commit_at(std::uint64_t start, Batch&& batch) {
    const std::size_t pages = batch.size();
    Page& first = page_from(batch.front());
    SHADOWWALK_PROBE(commit__start, pages);
    // relaxed: a thread asks only whether it is itself the one that commits.
    committing_.store(Cpu::current(), std::memory_order_relaxed);
    variant_.commit(std::move(batch));
    committing_.store(nullptr, std::memory_order_relaxed);
    if (SHADOWWALK_PROBE_ATTACHED(commit__done)) [[unlikely]]
      fire_commit(pages, lock_.now() - start);
    const std::uint64_t returned = lock_.now();
    for (VariantPage<Node>* page = freed_in_commit_.empty() ? nullptr : &freed_in_commit_.front(); page != nullptr;
         page = page->next) {
      Page& freed = page_from(*page);
      freed.freed_ticks = returned;
      leave(freed, retired_of(freed, freed.deferred_ticks != kNotDeferred));
    }
    unrecorded_.splice(std::move(freed_in_commit_));
    const std::size_t deferred = mark_deferred(first, returned);
    if (!window_.contains(start)) return;
    zap_times_.commit_ns.record(Machine::to_whole_ns(returned - start));
    zap_times_.pages_deferred += deferred;
    if (deferred != 0) ++zap_times_.commits_deferred;
  }

  /// Marks those pages of a batch that its commit left unfreed when it returned, given the batch's first page; how many
  /// they are. mmu_lock is still held, so that no page of the batch can have been allocated again.
  std::size_t mark_deferred(Page& first, std::uint64_t returned) {
    std::size_t deferred = 0;
    const auto mark = [&](Page& page) {
      RetiredPage before = page.retired.load(std::memory_order_relaxed);
      if (before == RetiredPage::freed) return;
      page.deferred_ticks = returned;
      // release pairs with the acquire in free(), which reads deferred_ticks. It fails if the page is freed right now.
      if (!page.retired.compare_exchange_strong(before, RetiredPage::deferred, std::memory_order_release,
                                                std::memory_order_relaxed)) {
        return;
      }
      footprint_.on_defer(returned);
      ++deferred;
    };
    mark(first);
    for (Page* page = first.older; page != nullptr; page = page->older) mark(*page);
    return deferred;
  }

  void retire(Page& page, Batch& batch) {
    page.unlink_ticks = lock_.now();
    // relaxed: commit's hand-over to whichever thread frees the page orders it.
    page.retired.store(RetiredPage::committing, std::memory_order_relaxed);
    footprint_.on_unlink(page.unlink_ticks);
    if (!batch.empty()) {
      // Chains the batch for mark_deferred(), by a link that an unlinked page has no other use for: from the first page
      // to the last one, and from there backwards to the second.
      Page& first = page_from(batch.front());
      page.older = first.older;
      first.older = &page;
    }
    batch.push_back(page);
    if (SHADOWWALK_PROBE_ATTACHED(page__retire)) [[unlikely]]
      fire_retire(page);
  }

  /// Any thread, no lock.
  void free(Page& page) {
    // relaxed: a correct variant has no walker left to race with.
    page.incarnation.store(page.incarnation.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    // acquire pairs with the release in mark_deferred(): the commit's time, before the clock is read for this page.
    const bool deferred = page.retired.exchange(RetiredPage::freed, std::memory_order_acquire) == RetiredPage::deferred;
    // relaxed: only the thread that commits finds its own CPU there. Threads that are no CPU of the machine free at
    // once.
    if (const Cpu* const cpu = Cpu::current(); cpu != nullptr && committing_.load(std::memory_order_relaxed) == cpu) {
      // Here alone: where another thread commits, it may be about to mark this page.
      if (!deferred) page.deferred_ticks = kNotDeferred;
      freed_in_commit_.push_back(page);
      return;
    }
    const std::uint64_t now = lock_.now();
    const Footprint::Retired retired = retired_of(page, deferred);
    leave(page, retired);
    record_free(page, retired, now);
    give_back(page);
  }

  static Footprint::Retired retired_of(const Page& page, bool deferred) {
    return {.unlinked_at = page.unlink_ticks,
            .deferred_at = deferred ? std::optional(page.deferred_ticks) : std::nullopt};
  }
  /// What others count on as soon as a page is free.
  void leave(Page& page, const Footprint::Retired& retired) {
    footprint_.on_leave(retired);
    // relaxed: a number to wait for; nothing of the page is read through it.
    if (page.awaited != nullptr) std::exchange(page.awaited, nullptr)->fetch_sub(1, std::memory_order_relaxed);
  }
  void record_free(const Page& page, const Footprint::Retired& retired, std::uint64_t now) {
    footprint_.record_free(retired, now);
    if (SHADOWWALK_PROBE_ATTACHED(page__free)) [[unlikely]]
      fire_free(page, now);
  }

  /// Fills a freed page with poison and gives it back to the pool. Any thread, no lock.
  void give_back(Page& page) {
    Slot* const slots = pool_.slots_of(page);
    // relaxed: release() orders the reuse.
    for (std::size_t i = 0; i < Geometry::kEntries; ++i) slots[i].store(spte::kPoison, std::memory_order_relaxed);
    pool_.release(page);
  }

  // Probes fire out of line, with what their arguments take: the paths around them, and what is inlined there, stay
  // small.
  [[gnu::cold, gnu::noinline]] static void fire_commit(std::size_t pages, std::uint64_t ticks) {
    SHADOWWALK_PROBE(commit__done, pages, Machine::to_whole_ns(ticks));
  }
  [[gnu::cold, gnu::noinline]] static void fire_retire(const Page& page) {
    SHADOWWALK_PROBE(page__retire, page.address, page.gfn, static_cast<std::uint64_t>(page.level));
  }
  [[gnu::cold, gnu::noinline]] static void fire_free(const Page& page, std::uint64_t now) {
    // Clocks of two CPUs may differ a little.
    SHADOWWALK_PROBE(page__free, page.address, page.gfn, static_cast<std::uint64_t>(page.level),
                     Machine::to_whole_ns(std::max(now, page.unlink_ticks) - page.unlink_ticks));
  }

  Machine& machine_;
  const Window& window_;
  MeasuredMmuLock<Machine> lock_;
  Pool pool_;
  Footprint footprint_;
  ZapTimes zap_times_;
  ActiveList<Page> active_;
  std::atomic<const Cpu*> committing_{nullptr};  // whose thread is within commit()
  Batch freed_in_commit_;                        // by that thread
  Batch unrecorded_;                             // the same, of commits that have returned: until mmu_lock is released
  Page* root_ = nullptr;
  std::uint64_t valid_generation_ = 0;
  std::size_t quota_ = 0;
  TreeEnvironment environment_;
  Variant variant_;
};

}  // namespace shadowwalk
