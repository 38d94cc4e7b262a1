// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "variants/per_vcpu.hpp"
#include "variants/pointers/era_scheme.hpp"

namespace shadowwalk {

/// hazard-eras: hazards that name the era in which a table was read, instead of the table.
///
/// birth: the page is stamped with the era.
/// read, at each level above the leaf: (1) load the slot; (2) load the era: if the level's hazard holds it already,
///         done; else (3) publish it there by xchg, and repeat.
/// end:   nothing: hazards stay published, so that walks between two zaps publish nothing. offline: (4) clear them.
/// commit: flush_remote_tlbs(); (5) full barrier; stamp the batch with the era, and end it; past a threshold: (6) full
///         barrier, (7) load all hazards, free the retired pages in whose lifetime none of them lies.
///
/// (1), (2): a page that was read while era e was published and still current was linked no later than e, since its
///     link (release) is read (acquire) before the era; and is retired no earlier, since e was current after (1), that
///     is, while the slot still held the page, and (5) puts the unlink before the stamp.
/// (3) and (6) are store buffering: "publish era; barrier; read slot" against "clear slot; barrier; read hazards".
/// (3) and (4) release to the acquire (7): when a hazard has changed, the reads of its page are over.
/// Source: P. Ramalhete and A. Correia, Brief Announcement: Hazard Eras, SPAA 2017. Hazards that outlive their section
/// are the lab's addition: the bound is the same, since a walker may stall for ever anyway.
/// Cost: two loads per level, an xchg per level after each zap; a published era keeps the pages that were linked in it.
template <class Machine>
class HazardEras {
 public:
  using Node = Lifetime;
  static constexpr int kHazards = 4;  // one per level below the root, five-level tables included

  /// A hazard keeps the pages that were linked in its era: no zap ends within an era.
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    const std::size_t published = load.vcpus * static_cast<std::size_t>(load.levels - 1);
    return std::max(Machine::retire_threshold(load.vcpus * kHazards) - 1, published * load.most_linked);
  }
  static constexpr VariantInfo kInfo{
      .name = "hazard-eras",
      .family = Family::pointer,
      .summary = "hazards that name the era in which a table was read",
      .source = "Ramalhete and Correia, SPAA 2017",
      .read_side_cost = "two loads per level; one xchg per level after each zap",
      .unreclaimed_bound =
          "max(64, 2 x vCPUs x 4 hazards) - 1 pages, or vCPUs x (levels - 1) x pages linked at one time",
      .most_unreclaimed = most_unreclaimed,
      .needs = "nothing"};

  explicit HazardEras(Environment<Machine, Node>& environment)
      : clock_(environment, environment.machine.vcpus().size() * kHazards), published_(environment.machine) {
    reserved_.reserve(published_.size() * kHazards);
  }

 private:
  using Era = typename EraClock<Machine>::Era;
  using Eras = std::array<Era, kHazards>;
  static constexpr std::uint64_t kNone = 0;

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(HazardEras& scheme, typename Machine::Vcpu& vcpu)
        : era_(scheme.clock_.era()), published_(scheme.published_.of(vcpu)) {}

    static void begin() {}
    template <class Slot>
    SpteWord read(const Slot& slot, int level) const {
      SpteWord spte = slot.load(std::memory_order_acquire);  // (1)
      if (level == 1) return spte;
      Era& published = published_[level - 2];
      std::uint64_t reserved = published.load(std::memory_order_relaxed);
      for (;;) {
        const std::uint64_t era = era_.load(std::memory_order_acquire);  // (2)
        if (era == reserved) return spte;
        published.exchange(era, std::memory_order_seq_cst);  // (3)
        reserved = era;
        spte = slot.load(std::memory_order_acquire);  // (1)
      }
    }
    static bool end() { return true; }

    void offline() const {
      for (Era& era : published_) era.store(kNone, std::memory_order_release);  // (4)
    }

   private:
    const Era& era_;
    Eras& published_;
  };

  void birth(VariantPage<Node>& page) { clock_.birth(page); }
  void commit(PageBatch<Node>&& batch) {
    if (!clock_.retire(std::move(batch))) return;  // (5), (6)
    reserved_.clear();
    for (std::size_t i = 0; i < published_.size(); ++i) {
      for (const Era& published : published_[i]) {
        if (const std::uint64_t era = published.load(std::memory_order_acquire); era != kNone) {  // (7)
          reserved_.push_back(era);
        }
      }
    }
    clock_.scan([&](const Lifetime& page) {
      return std::any_of(reserved_.begin(), reserved_.end(), [&](std::uint64_t era) { return page.contains(era); });
    });
  }
  void drain() { clock_.drain(); }

  template <class Name>
  void name_variables(Name name) {
    clock_.name_variables(name);
    for (std::size_t i = 0; i < published_.size(); ++i) {
      for (Era& era : published_[i]) name(era, "era published by vCPU ", i);
    }
  }

 private:
  EraClock<Machine> clock_;
  const PerVcpu<Machine, Eras> published_;
  std::vector<std::uint64_t> reserved_;  // mmu_lock; with its room from the start
};

}  // namespace shadowwalk
