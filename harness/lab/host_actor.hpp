// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "harness/lab/mmu_measurement.hpp"
#include "harness/lab/replay_action.hpp"
#include "harness/mmu/zapper.hpp"
#include "workloads/host_action.hpp"

namespace shadowwalk {

/// Performs the workload's host actions, and a trace's, on one tree. Any zapper thread; actions that go through the
/// guest's memory in order take turns.
template <class Tree>
class HostActor {
 public:
  /// `working_set`: guest pages from gfn 0 on that actions on ranges go through.
  HostActor(Tree& tree, const Window& window, std::uint64_t working_set)
      : tree_(tree), zapper_(tree), window_(window), working_set_(working_set) {}

  Zapped act(const HostAction& action) {
    switch (action.kind) {
      case HostAction::Kind::zap_oldest:
        return zapper_.zap_oldest_at(action.level);
      case HostAction::Kind::zap_everything:
        return zapper_.zap_all();
      case HostAction::Kind::write_protect:
        return write_protect(action.pages);
      case HostAction::Kind::invalidate:
        return invalidate(action.pages);
      case HostAction::Kind::shrink:
        return shrink(action.pages);
    }
    return {};
  }

  /// What a trace says. Any thread that is outside a read-side section, vCPUs included.
  Zapped act(const ReplayAction& action) {
    using Kind = ReplayAction::Kind;
    const Gfn end = std::min(Tree::Geometry::kGfns, action.gfn + action.pages);
    switch (action.kind) {
      case Kind::zap_all:
        return zapper_.zap_all();
      case Kind::zap_oldest:
        return zapper_.zap_oldest_at(action.level);
      case Kind::zap_page:
        return zap_pages(action, end);
      case Kind::zap_range:
        return count_zapped(zapper_.zap_gfn_range(action.gfn, end));
      case Kind::write_protect:
        return count_protected(zapper_.write_protect(action.gfn, end));
      case Kind::zap_next:
        return count_zapped(go_round(next_invalid_, action.pages, [&](Gfn first, std::uint64_t most, Gfn& next) {
          return zapper_.zap_first(first, working_set_, most, next);
        }));
      case Kind::write_protect_next:
        return count_protected(go_round(next_dirty_, action.pages, [&](Gfn first, std::uint64_t most, Gfn& next) {
          return zapper_.write_protect_first(first, working_set_, most, next);
        }));
    }
    return {};
  }

  /// Shrinkers must not wait longer: the cell is over.
  void stop_waiting() { stop_.store(true, std::memory_order_relaxed); }

  /// After the last vCPU has gone: zaps what is left and has the variant free everything. Returns the pages that it
  /// left unfreed: 0, or the variant is broken.
  std::uint64_t drain() {
    zapper_.zap_all();
    tree_.footprint().begin_drain();
    tree_.variant().drain();
    return tree_.footprint().shadow();
  }

  /// Of the whole tree.
  MmuRecords records() const {
    return {.host_actions = counts_,
            .zap_times = tree_.zap_times(),
            .lock_wait_ns = tree_.lock().wait_ns(),
            .lock_hold_ns = tree_.lock().hold_ns(),
            .footprint = tree_.footprint()};
  }

 private:
  using Machine = typename Tree::Machine;

  static constexpr Gfn kMostScanned = Gfn{1}
                                      << 15;  // gfns a beat: bounds how long mmu_lock is held for few dirty pages
  static constexpr std::uint64_t kLongestWaitNs = 100'000'000;

  Zapped write_protect(std::uint64_t pages) {
    const std::lock_guard lock(mutex_);
    const Gfn last = std::min<Gfn>(working_set_, next_dirty_ + kMostScanned);
    const Zapped zapped = zapper_.write_protect_first(next_dirty_, last, pages, next_dirty_);
    counts_.leaves_write_protected += zapped.leaves;
    dirty_in_round_ += zapped.leaves;
    if (next_dirty_ == working_set_) {
      next_dirty_ = 0;
      ++counts_.dirty_rounds;
      counts_.dirty_pages_last_round = dirty_in_round_;
      dirty_in_round_ = 0;
    }
    return zapped;
  }

  Zapped invalidate(std::uint64_t pages) {
    const std::lock_guard lock(mutex_);
    const Gfn last = std::min<Gfn>(working_set_, next_invalid_ + pages);
    const Zapped zapped = zapper_.zap_gfn_range(next_invalid_, last);
    next_invalid_ = last == working_set_ ? 0 : last;
    counts_.leaves_zapped += zapped.leaves;
    return zapped;
  }

  /// One, where `pages` is what a table of `level` translates.
  Zapped zap_pages(const ReplayAction& action, Gfn end) {
    Zapped zapped;
    const Gfn span = Tree::Geometry::span(action.level);
    for (Gfn gfn = Tree::Geometry::base(action.gfn, action.level); gfn < end; gfn += span) {
      zapped.pages += zapper_.zap_page(gfn, action.level).pages;
    }
    return zapped;
  }

  /// `range(first, most, next)` for `most` leaves from `next` on; where memory ends it goes on at its beginning, once.
  template <class Range>
  Zapped go_round(Gfn& next, std::uint64_t most, Range range) {
    const std::lock_guard lock(mutex_);
    Zapped zapped = range(next, most, next);
    if (next >= working_set_) next = 0;
    if (zapped.empty() && most != 0) zapped = range(next, most, next);
    return zapped;
  }

  Zapped count_zapped(const Zapped& zapped) {
    const std::lock_guard lock(mutex_);
    counts_.leaves_zapped += zapped.leaves;
    return zapped;
  }
  Zapped count_protected(const Zapped& zapped) {
    const std::lock_guard lock(mutex_);
    counts_.leaves_write_protected += zapped.leaves;
    return zapped;
  }

  /// One commit a page, as the old shrinker does; then waits until each of them is free. A shrink also waits for what
  /// the one before it gave up on.
  Zapped shrink(std::uint64_t pages) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t start = Machine::now();
    Zapped zapped;
    while (zapped.pages < pages) {
      const Zapped more = zapper_.recycle(1, [&](const typename Tree::Batch& batch) { await(batch); });
      if (more.empty()) break;
      zapped.pages += more.pages;
    }
    if (zapped.empty()) return zapped;
    ++counts_.shrinks;
    if (wait_until_free(start)) {
      if (window_.contains(start)) counts_.shrink_ns.record(Machine::to_whole_ns(Machine::now() - start));
    } else {
      ++counts_.shrinks_unfinished;
    }
    return zapped;
  }

  void await(const typename Tree::Batch& batch) {
    if (batch.empty()) return;
    // relaxed: commit's hand-over to whichever thread frees the pages orders it, as the rest of their descriptions.
    awaited_.fetch_add(batch.size(), std::memory_order_relaxed);
    for (auto* member = &batch.front(); member != nullptr; member = member->next) {
      Tree::page_from(*member).awaited = &awaited_;
    }
  }
  /// False: it gave up.
  bool wait_until_free(std::uint64_t start) const {
    // relaxed: nothing of the freed pages is used.
    typename Machine::Backoff backoff;  // the reclaimer may share the CPU
    while (awaited_.load(std::memory_order_relaxed) != 0) {
      if (stop_.load(std::memory_order_relaxed) || Machine::to_whole_ns(Machine::now() - start) > kLongestWaitNs) {
        return false;
      }
      backoff.wait();
    }
    return true;
  }

  Tree& tree_;
  Zapper<Tree> zapper_;
  const Window& window_;
  const std::uint64_t working_set_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> awaited_{0};  // pages that shrinks have unlinked, and that are not free
  typename Machine::Mutex mutex_;          // of what follows; taken before mmu_lock
  Gfn next_dirty_ = 0;
  Gfn next_invalid_ = 0;
  std::uint64_t dirty_in_round_ = 0;
  HostActionCounts counts_;
};

}  // namespace shadowwalk
