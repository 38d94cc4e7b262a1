// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "variants/contract.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// What makes a published hazard visible before the walker loads its slot again.
enum class HazardFence {
  walker,      ///< the walker's full barrier per level
  membarrier,  ///< the scanning freer's barrier on every CPU at once
  ping         ///< the scanning freer's IPI to each online vCPU
};

/// What hazard (hazard.hpp has the steps and their orderings), hazard-asym, hazard-pop and hazard-novalidate share.
/// kValidate: whether walkers load the slot again.
template <class Machine, HazardFence kFence, bool kValidate = true>
class HazardScheme {
 public:
  struct Node {};

  static constexpr int kHazards = 4;  // one per level below the root, five-level tables included

  explicit HazardScheme(Environment<Machine, Node>& environment)
      : environment_(environment),
        vcpus_(environment.machine),
        threshold_(Machine::retire_threshold(vcpus_.size() * kHazards)) {
    named_.reserve(vcpus_.size() * kHazards);
    if constexpr (kFence == HazardFence::ping) online_.reserve(vcpus_.size());
  }

  /// Retired pages that wait for a scan, or that a scan found named: a walk names one per level below the root.
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    const std::size_t named = load.vcpus * static_cast<std::size_t>(load.levels - 1);
    return std::max(Machine::retire_threshold(load.vcpus * kHazards) - 1, named);
  }

 private:
  using Hazard = typename Machine::template Atomic<SpteWord>;
  struct VcpuState {
    std::array<Hazard, kHazards> hazard{};
    typename Machine::template Atomic<std::uint32_t> online{0};  // only for pings
  };

 public:
  class Walker {
   public:
    Walker(HazardScheme& scheme, typename Machine::Vcpu& vcpu) : state_(scheme.vcpus_.of(vcpu)) { online(); }

    static void begin() {}

    template <class Slot>
    SpteWord read(const Slot& slot, int level) const {
      // acquire pairs with the release store that links a child: its table is seen initialised.
      SpteWord spte = slot.load(std::memory_order_acquire);
      if (level == 1) return spte;
      while (spte_is_present(spte)) {
        publish(state_.hazard[level - 2], spte_address(spte));  // (1)
        if constexpr (!kValidate) break;
        const SpteWord again = slot.load(std::memory_order_acquire);  // (2)
        const bool validated = spte_is_present(again) && spte_address(again) == spte_address(spte);
        spte = again;
        if (validated) break;
      }
      return spte;
    }

    bool end() const {
      std::apply([](auto&... hazard) { (hazard.store(0, std::memory_order_release), ...); }, state_.hazard);  // (3)
      return true;
    }

    void offline() const {
      // release: the hazards are clear before scans no longer ask for them.
      if constexpr (kFence == HazardFence::ping) state_.online.store(0, std::memory_order_release);
    }
    void online() const {
      if constexpr (kFence == HazardFence::ping) state_.online.exchange(1, std::memory_order_seq_cst);  // (6)
    }

   private:
    static void publish(Hazard& hazard, SpteWord address) {
      if constexpr (kFence == HazardFence::walker) {
        hazard.exchange(address, std::memory_order_seq_cst);
      } else {
        hazard.store(address, std::memory_order_relaxed);
        Machine::compiler_barrier();
      }
    }

    VcpuState& state_;
  };

  void birth(VariantPage<Node>&) {}

  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    retired_pages_.splice(std::move(batch));
    if (retired_pages_.size() >= threshold_) scan();
  }

  void drain() { environment_.free(std::move(retired_pages_)); }

  template <class Name>
  void name_variables(Name name) {
    for (std::size_t i = 0; i < vcpus_.size(); ++i) {
      name(vcpus_[i].online, "online of vCPU ", i);
      for (Hazard& hazard : vcpus_[i].hazard) name(hazard, "hazard of vCPU ", i);
    }
  }

 private:
  /// mmu_lock held, as commit is.
  void scan() {
    make_hazards_visible();  // (4)
    named_.clear();
    for (std::size_t i = 0; i < vcpus_.size(); ++i) {
      for (const Hazard& hazard : vcpus_[i].hazard) {
        if (const SpteWord address = hazard.load(std::memory_order_acquire)) named_.push_back(address);  // (5)
      }
    }
    std::sort(named_.begin(), named_.end());
    PageBatch<Node> pages = std::move(retired_pages_);
    while (!pages.empty()) {
      VariantPage<Node>& page = pages.pop_front();
      if (std::binary_search(named_.begin(), named_.end(), page.address)) {
        retired_pages_.push_back(page);
      } else {
        environment_.free(page);
      }
    }
  }

  void make_hazards_visible() {
    if constexpr (kFence == HazardFence::walker) {
      Machine::full_fence();
    } else if constexpr (kFence == HazardFence::membarrier) {
      Machine::membarrier_all();
    } else {
      Machine::full_fence();
      online_.clear();
      for (std::size_t i = 0; i < vcpus_.size(); ++i) {
        if (vcpus_[i].online.load(std::memory_order_acquire) != 0) online_.push_back(&vcpus_.vcpu(i));  // (7)
      }
      environment_.machine.interrupt(online_);
    }
  }

  Environment<Machine, Node>& environment_;
  const PerVcpu<Machine, VcpuState> vcpus_;
  const std::size_t threshold_;
  // All under mmu_lock; the vectors have their room from the start, as commit() must not allocate:
  PageBatch<Node> retired_pages_;
  std::vector<SpteWord> named_;
  std::vector<typename Machine::Vcpu*> online_;  // only for pings
};

}  // namespace shadowwalk
