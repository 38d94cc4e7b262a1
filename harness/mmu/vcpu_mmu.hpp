// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "harness/machine/line.hpp"
#include "harness/mmu/fault.hpp"
#include "harness/mmu/mmu_counts.hpp"
#include "harness/mmu/shadow_tree.hpp"
#include "harness/mmu/walk_checks.hpp"
#include "harness/probes/probes.hpp"
namespace shadowwalk {

/// One vCPU's side of the MMU: the lockless walker and the fault path. Made, used and destroyed on the vCPU's own
/// thread.
template <class Tree>
class VcpuMmu {
 public:
  using Machine = typename Tree::Machine;
  using Geometry = typename Tree::Geometry;
  using Page = typename Tree::Page;
  using Slot = typename Tree::Slot;
  using Guard = typename Tree::Guard;

  /// How a walk ended.
  enum class Walked {
    served,  ///< the leaf serves the access
    fault,   ///< the leaf is absent, or of another kind: the fault path is next
  };

  VcpuMmu(Tree& tree, typename Machine::Vcpu& vcpu, const ReadDelay& delay, std::uint64_t seed)
      : tree_(tree), walker_(tree.variant(), vcpu), delay_(delay), random_(seed * 2 + 1) {
    schedule_stall();
    walker_.offline();
    {
      Guard guard(tree_, LockHolder::fault);
      take_root();
    }
    walker_.online();
  }

  ~VcpuMmu() {
    walker_.offline();
    Guard guard(tree_, LockHolder::fault);
    tree_.put_root(*root_);
  }

  VcpuMmu(const VcpuMmu&) = delete;
  VcpuMmu& operator=(const VcpuMmu&) = delete;

  /// Around KVM_RUN and idling: no quiescence scheme may wait for this vCPU there.
  void offline() { walker_.offline(); }
  void online() { walker_.online(); }

  /// get_mmio_spte() / fast_page_fault()'s walk: finds the leaf of `gfn`. A write to a leaf that is write-protected
  /// only by us makes it writable by cmpxchg. kFullChecks: see WalkTrail; kReadDelay: see ReadDelay; kClockSection:
  /// leaves the section's length in section_ticks().
  template <bool kFullChecks, bool kReadDelay, bool kClockSection = false>
  [[gnu::always_inline]] Walked walk(Gfn gfn, LeafKind kind) {
    SpteWord leaf;
    return walk_reading<kFullChecks, kReadDelay, kClockSection>(gfn, kind, leaf);
  }
  /// The same, and leaves in `leaf` what the walk read there first: for a walk that must wait for it.
  template <bool kFullChecks, bool kReadDelay, bool kClockSection = false>
  [[gnu::always_inline]] Walked walk_reading(Gfn gfn, LeafKind kind, SpteWord& leaf) {
    const Ended ended = walk_once<kFullChecks, kReadDelay, kClockSection>(gfn, kind, leaf);
    if (ended == Ended::served) [[likely]]
      return Walked::served;
    if (ended == Ended::fault) return Walked::fault;
    return walk_again<kFullChecks, kReadDelay, kClockSection>(gfn, kind);
  }

  /// The fault path: mmu_lock, a fresh root if ours became stale, the missing levels, the leaf. Fails as map_leaf().
  void fault(Gfn gfn, LeafKind kind) {
    const std::uint64_t start = SHADOWWALK_PROBE_ATTACHED(fault) ? Machine::now() : 0;
    walker_.offline();
    {
      Guard guard(tree_, LockHolder::fault);
      // First, as the kernel: zapping may obsolete the root.
      if (make_pages_available(tree_, guard) != 0) ++counts_.quota_zaps;
      reload_root_locked();
      map_leaf(tree_, *root_, gfn, kind);
    }
    walker_.online();
    if (start != 0) [[unlikely]]
      fire_fault(gfn, kind, start);
  }

  /// The guest wrote the entry that maps `gfn` in its own page table: mmu_lock, and track_page_table_write().
  void page_table_write(Gfn gfn) {
    walker_.offline();
    {
      Guard guard(tree_, LockHolder::fault);
      const PageTableWrite write = track_page_table_write(tree_, guard, gfn);
      if (write.pages + write.leaves != 0) ++counts_.page_table_writes;
      if (write.flood) ++counts_.flood_zaps;
    }
    walker_.online();
  }

  /// Serves kRequestReloadRoot.
  void reload_root() {
    walker_.offline();
    {
      Guard guard(tree_, LockHolder::fault);
      reload_root_locked();
    }
    walker_.online();
  }

  /// From begin() to end() of the last walk that was served and clocked: how long a freer may have to wait for it.
  std::uint64_t section_ticks() const { return section_ticks_; }

  /// begin() and end() alone, `count` times: the cost of a scheme's empty section.
  void empty_sections(std::size_t count) {
    WalkingWalker walker = walker_;
    for (std::size_t i = 0; i < count; ++i) {
      walker.begin();
      walker.end();
    }
  }

  /// The root of the guest's hardware walks: CR3.
  const Page& root() const { return *root_; }
  const WalkCounts& counts() const { return counts_; }
  /// The first violation in words; empty if there was none. Valid as long as this object.
  std::string_view first_violation() const { return first_violation_.view(); }

 private:
  using Walker = typename Tree::Variant::Walker;
  using WalkingWalker = std::conditional_t<StatelessWalker<Walker, Slot>, const Walker, Walker&>;

  static constexpr int kMakeWritableRetries = 4;  // fast_page_fault()'s

  /// How one section ended. An enum, since an optional<Walked> would be passed through memory.
  enum class Ended { served, fault, unusable };

  template <bool kFullChecks, bool kReadDelay, bool kClockSection>
  [[gnu::always_inline]] Ended walk_once(Gfn gfn, LeafKind kind, SpteWord& leaf) {
    WalkingWalker walker = walker_;
    if constexpr (kFullChecks) trail_.start();
    walker.begin();
    const std::uint64_t section_start = kClockSection ? Machine::now() : 0;
    Slot* slot = nullptr;
    leaf = descend<Geometry::kLevels, kFullChecks, kReadDelay>(walker, root_table_, gfn, slot);
    if (!leaf_serves(leaf, gfn, kind)) [[unlikely]]
      return end_unserved<kFullChecks>(leaf, gfn, kind, slot);
    const bool freed = kFullChecks && trail_.found_freed_page();
    if constexpr (kClockSection) section_ticks_ = Machine::now() - section_start;
    if (!walker.end()) [[unlikely]]
      return Ended::unusable;
    if (freed) [[unlikely]]
      violation("passed a table that was freed or reused", gfn, leaf);
    return Ended::served;
  }

  /// Walks from the root until the result may be used. Out of line, so that walk() has no loop: for a second round the
  /// compiler would keep on the stack what a walk computes from the gfn.
  template <bool kFullChecks, bool kReadDelay, bool kClockSection>
  [[gnu::noinline]] Walked walk_again(Gfn gfn, LeafKind kind) {
    for (;;) {
      ++counts_.restarts;
      SpteWord leaf;
      const Ended ended = walk_once<kFullChecks, kReadDelay, kClockSection>(gfn, kind, leaf);
      if (ended != Ended::unusable) return ended == Ended::served ? Walked::served : Walked::fault;
    }
  }

  template <int kLevel, bool kFullChecks, bool kReadDelay>
  [[gnu::always_inline]] SpteWord descend(WalkingWalker& walker, Slot* table, Gfn gfn, Slot*& leaf_slot) {
    Slot& slot = table[Geometry::index(gfn, kLevel)];
    SpteWord entry = walker.read(slot, kLevel);
    if constexpr (kLevel == 1) {
      leaf_slot = &slot;
      return entry;
    } else {
      if (!spte::is_present(entry)) [[unlikely]]
        return entry;
      if (Machine::has_bug(Mutant::spte_read_twice)) {
        entry = walker.read(slot, kLevel);
        if (!spte::is_present(entry)) return spte::kPoison;  // continuing would read whatever is at address 0
      }
      // Where a scheme may free under a walker, a table can come back one level lower: its entries are leaves, and
      // their addresses the guest's. A safe scheme need not pay for this test.
      if constexpr (kFullChecks || !Tree::Variant::kInfo.safe) {
        if (!tree_.pool().index_of(spte_address(entry))) return entry;
      }
      if constexpr (kFullChecks) {
        trail_.pass(tree_.pool().page(entry), Geometry::base(gfn, kLevel - 1), kLevel - 1);
      }
      if constexpr (kReadDelay) {
        if (--until_stall_ == 0) stall();
      }
      return descend<kLevel - 1, kFullChecks, kReadDelay>(walker, Tree::Pool::table(entry), gfn, leaf_slot);
    }
  }

  /// Ends the section of a walk whose leaf does not serve the access as it is. Out of line, and with its own copy of a
  /// walker that may be copied, so that the walk itself keeps its copy in registers. `slot`: null if the walk did not
  /// reach level 1.
  template <bool kFullChecks>
  [[gnu::noinline]] Ended end_unserved(SpteWord leaf, Gfn gfn, LeafKind kind, Slot* slot) {
    WalkingWalker walker = walker_;
    const bool fixed = kind == LeafKind::ram_write && slot != nullptr && make_writable(*slot, leaf, gfn);
    const bool freed = kFullChecks && trail_.found_freed_page();
    if (!walker.end() || leaf == kRestartWalk) return Ended::unusable;
    if (freed) {
      violation("passed a table that was freed or reused", gfn, leaf);
    } else if (!fixed) {
      distinguish_poison_from_absence(leaf, gfn, slot != nullptr);
    }
    return fixed ? Ended::served : Ended::fault;
  }

  /// fast_pf_fix_direct_spte(), inside the section: sets W if only the MMU's own write protection cleared it.
  bool make_writable(Slot& slot, SpteWord leaf, Gfn gfn) {
    for (int retry = 0; retry <= kMakeWritableRetries; ++retry) {
      if (!spte::is_ram_of(leaf, gfn)) return false;
      if (spte::is_writable(leaf)) return true;  // another vCPU was faster
      if (!spte::is_mmu_writable(leaf)) return false;
      // relaxed: the entry itself is all that changes; a thread that write-protects it again flushes afterwards.
      if (slot.compare_exchange_strong(leaf, leaf | spte::kWritable | spte::kDirty, std::memory_order_relaxed)) {
        ++counts_.made_writable;
        return true;
      }
    }
    return false;
  }

  /// Why the entry did not serve, which only the slow path asks. `at_leaf`: the walk reached level 1.
  void distinguish_poison_from_absence(SpteWord entry, Gfn gfn, bool at_leaf) {
    if (entry == spte::kPoison) {
      violation("read poison: the table was freed", gfn, entry);
    } else if (entry != spte::kAbsent && !at_leaf) {
      violation("read a leaf where a table's entry belongs: the table was reused", gfn, entry);
    } else if (spte::is_leaf(entry) && spte_address(entry) != gfn << kPageShift) {
      violation("read another gfn's leaf: the table was reused", gfn, entry);
    }
  }

  [[gnu::cold]] void violation(const char* what, Gfn gfn, SpteWord entry);
  [[gnu::cold, gnu::noinline]] static void fire_fault(Gfn gfn, LeafKind kind, std::uint64_t start) {
    SHADOWWALK_PROBE(fault, gfn, static_cast<std::uint64_t>(kind), Machine::to_whole_ns(Machine::now() - start));
  }

  void reload_root_locked() {
    if (!tree_.root_is_stale(*root_)) return;
    Page& stale = *root_;
    take_root();
    tree_.put_root(stale);
  }
  void take_root() {
    root_ = &tree_.get_root();
    root_table_ = Tree::Pool::slots_of(*root_);
  }

  void schedule_stall() {
    // A walk passes kLevels - 1 places where it may stall. Uniform in [1, 2 x mean], so that stalls wander over levels.
    constexpr std::uint64_t kPlaces = Geometry::kLevels - 1;
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    until_stall_ = delay_.on() ? 1 + (random_ >> 33) % (2 * delay_.one_in * kPlaces) : 0;
  }
  [[gnu::noinline]] void stall() {
    schedule_stall();
    const std::uint64_t start = Machine::now();
    if (Machine::to_whole_ns(start - last_stall_) < delay_.every_us * 1000) return;
    ++counts_.stalls;
    do {
      typename Machine::Backoff{}.wait();
      last_stall_ = Machine::now();
    } while (Machine::to_whole_ns(last_stall_ - start) < delay_.stall_us * 1000);
    SHADOWWALK_PROBE(walker__stall, Machine::to_whole_ns(last_stall_ - start));
  }

  Tree& tree_;
  Walker walker_;
  Page* root_ = nullptr;
  Slot* root_table_ = nullptr;
  const ReadDelay delay_;
  std::uint64_t until_stall_ = 0;
  std::uint64_t last_stall_ = 0;
  std::uint64_t random_;
  WalkTrail<Page, Geometry::kLevels> trail_;
  std::uint64_t section_ticks_ = 0;
  WalkCounts counts_;
  Line<160> first_violation_;
};

template <class Tree>
void VcpuMmu<Tree>::violation(const char* what, Gfn gfn, SpteWord entry) {
  SHADOWWALK_PROBE(violation, gfn, entry, what);
  if (counts_.violations++ != 0) return;
  (first_violation_ << what << " (gfn ").hex(gfn) << ", SPTE ";
  first_violation_.hex(entry, 16) << ")";
}

}  // namespace shadowwalk
