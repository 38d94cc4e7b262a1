// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "variants/per_vcpu.hpp"
#include "variants/pointers/era_scheme.hpp"

namespace shadowwalk {

/// ibr: interval-based reclamation with two global epochs' stamps (2GEIBR): a walker reserves the eras from its begin
/// to its newest read.
///
/// birth: the page is stamped with the era.
/// begin: reserve the era, as it is now: the lower end by a plain store, (1) the upper end by xchg.
/// read, at each level above the leaf: (2) load the slot; (3) load the era: if the upper end holds it already, done;
///         else (1) raise the upper end by xchg, and repeat.
/// end:   (4) set both ends beyond every lifetime, the lower first, by release stores.
/// commit: flush_remote_tlbs(); (5) full barrier; stamp the batch with the era, and end it; past a threshold: (6) full
///         barrier, (7) load all intervals, free the retired pages whose lifetime meets none of them.
///
/// (2), (3), (5): a page that was read while its era was the upper end lived then (hazard_eras.hpp says why).
/// (1) and (6) are store buffering, as there. The lower end is stored before (1), so that a scan that sees the upper
///     end sees the lower one.
/// (4) pairs with the acquire (7). An interval that a scan sees half changed is too long (old lower, new upper end), or
///     began after the scan did, and its walker sees the unlinks.
/// Source: H. Wen, J. Izraelevitz, W. Cai, H. A. Beadle and M. Scott, Interval-Based Memory Reclamation, PPoPP 2018.
/// Cost: an xchg per walk, two loads per level, an xchg where a zap came in between; an interval keeps the pages that
/// were linked whenever it grew.
template <class Machine>
class Ibr {
 public:
  using Node = Lifetime;

  /// An interval grows by begin() and by each read above the leaf: each time it may meet the pages that are linked
  /// then, and those that are retired and not scanned for yet.
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    const std::size_t unscanned = Machine::retire_threshold(load.vcpus) - 1;
    return unscanned + load.vcpus * static_cast<std::size_t>(load.levels) * (load.most_linked + unscanned);
  }
  static constexpr VariantInfo kInfo{
      .name = "ibr",
      .family = Family::pointer,
      .summary = "interval-based: a walker reserves the eras from its begin to its newest read",
      .source = "Wen et al., PPoPP 2018 (2GEIBR)",
      .read_side_cost = "one xchg per walk, two loads per level, an xchg where a zap came in between",
      .unreclaimed_bound = "T + vCPUs x levels x (pages linked at one time + T), T = max(64, 2 x vCPUs) - 1",
      .most_unreclaimed = most_unreclaimed,
      .needs = "nothing"};

  explicit Ibr(Environment<Machine, Node>& environment)
      : clock_(environment, environment.machine.vcpus().size()), intervals_(environment.machine) {
    reserved_.reserve(intervals_.size());
  }

 private:
  using Era = typename EraClock<Machine>::Era;
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  struct Interval {
    Era lower{kNever};
    Era upper{kNever};
  };

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Ibr& scheme, typename Machine::Vcpu& vcpu)
        : era_(scheme.clock_.era()), interval_(scheme.intervals_.of(vcpu)) {}

    void begin() const {
      const std::uint64_t era = era_.load(std::memory_order_acquire);
      interval_.lower.store(era, std::memory_order_relaxed);
      interval_.upper.exchange(era, std::memory_order_seq_cst);  // (1)
    }
    template <class Slot>
    SpteWord read(const Slot& slot, int level) const {
      SpteWord spte = slot.load(std::memory_order_acquire);  // (2)
      if (level == 1) return spte;
      std::uint64_t reserved = interval_.upper.load(std::memory_order_relaxed);
      for (;;) {
        const std::uint64_t era = era_.load(std::memory_order_acquire);  // (3)
        if (era == reserved) return spte;
        interval_.upper.exchange(era, std::memory_order_seq_cst);  // (1)
        reserved = era;
        spte = slot.load(std::memory_order_acquire);  // (2)
      }
    }
    bool end() const {
      interval_.lower.store(kNever, std::memory_order_release);  // (4)
      interval_.upper.store(kNever, std::memory_order_release);  // (4)
      return true;
    }

   private:
    const Era& era_;
    Interval& interval_;
  };

  void birth(VariantPage<Node>& page) { clock_.birth(page); }
  void commit(PageBatch<Node>&& batch) {
    if (!clock_.retire(std::move(batch))) return;  // (5), (6)
    reserved_.clear();
    for (std::size_t i = 0; i < intervals_.size(); ++i) {
      const std::uint64_t lower = intervals_[i].lower.load(std::memory_order_acquire);  // (7)
      const std::uint64_t upper = intervals_[i].upper.load(std::memory_order_acquire);  // (7)
      if (lower != kNever) reserved_.emplace_back(lower, upper);
    }
    clock_.scan([&](const Lifetime& page) {
      return std::any_of(reserved_.begin(), reserved_.end(),
                         [&](const auto& interval) { return page.meets(interval.first, interval.second); });
    });
  }
  void drain() { clock_.drain(); }

  template <class Name>
  void name_variables(Name name) {
    clock_.name_variables(name);
    for (std::size_t i = 0; i < intervals_.size(); ++i) {
      name(intervals_[i].lower, "lower era of vCPU ", i);
      name(intervals_[i].upper, "upper era of vCPU ", i);
    }
  }

 private:
  EraClock<Machine> clock_;
  const PerVcpu<Machine, Interval> intervals_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reserved_;  // mmu_lock; with its room from the start
};

}  // namespace shadowwalk
