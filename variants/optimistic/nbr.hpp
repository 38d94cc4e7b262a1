// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "variants/contract.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// nbr: neutralization: before it frees, the freer interrupts every online vCPU, and an interrupted walk starts again.
///
/// begin: (1) remember how many IPIs the vCPU has taken.
/// read:  load the slot; (2) if the vCPU has taken another IPI since (1): restart.
/// end:   (3) the result may be used if the vCPU has taken no other IPI.
/// offline: clear the vCPU's word by a release store. online: (4) set it by xchg.
/// commit: flush_remote_tlbs(); retire the batch; past a threshold: (5) full barrier; (6) an IPI to each online vCPU
///         and a wait for all acknowledgements; free all retired pages.
///
/// (2), (3) against (6): one thread and its own handler, so that a compiler barrier orders them. A load that (2) finds
///     uninterrupted happened before the IPI was acknowledged, and so before anything was freed. The walk discards what
///     it loads after the IPI: it follows no SPTE of a freed table. Taking the IPI acquires the unlinks: a walk that
///     starts again does not reach the pages.
/// (4) and (5) are store buffering: "online; barrier; read SPTE" against "clear SPTE; barrier; read the online words".
/// Source: A. Singh, T. Brown and A. Mashtizadeh, NBR: Neutralization Based Reclamation, PPoPP 2021. There the handler
/// leaves the read phase by siglongjmp. That would be unsound here: begin() would have to call sigsetjmp in a frame
/// that is gone when the handler runs, and a jump over the engine's own code between begin() and end() would leave its
/// registers undefined. So the walk checks after each load; a load from a freed table may happen, and reads poison:
/// tables are never unmapped (contract.hpp).
/// Cost: a load of an own line per level; an IPI to each online vCPU per scan; a walker cannot delay the freeing.
template <class Machine>
class Nbr {
 public:
  struct Node {};
  static std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) {
    return Machine::retire_threshold(load.vcpus) - 1;
  }
  static constexpr VariantInfo kInfo{.name = "nbr",
                                     .family = Family::optimistic,
                                     .summary = "neutralization: an IPI before freeing restarts the walks that take it",
                                     .source = "Singh, Brown, Mashtizadeh, PPoPP 2021",
                                     .read_side_cost = "one load of the vCPU's own line per level",
                                     .unreclaimed_bound = "max(64, 2 x vCPUs) - 1 pages",
                                     .most_unreclaimed = most_unreclaimed,
                                     .needs = "IPIs that wait, tables that are never unmapped"};

  explicit Nbr(Environment<Machine, Node>& environment)
      : environment_(environment), vcpus_(environment.machine), threshold_(Machine::retire_threshold(vcpus_.size())) {
    online_.reserve(vcpus_.size());
  }

 private:
  struct VcpuState {
    typename Machine::template Atomic<std::uint32_t> online{0};
    std::uint64_t interrupts_at_begin = 0;  // the vCPU's own
  };

 public:
  class Walker {
   public:
    Walker(Nbr& scheme, typename Machine::Vcpu& vcpu) : state_(scheme.vcpus_.of(vcpu)), vcpu_(vcpu) { online(); }

    void begin() const { state_.interrupts_at_begin = vcpu_.interrupts_taken(); }  // (1)
    template <class Slot>
    SpteWord read(const Slot& slot, int /*level*/) const {
      // acquire pairs with the release store that links a child: its table is seen initialised.
      const SpteWord spte = slot.load(std::memory_order_acquire);
      return is_neutralized() ? kRestartWalk : spte;  // (2)
    }
    bool end() const { return !is_neutralized(); }  // (3)

    void offline() const { state_.online.store(0, std::memory_order_release); }
    void online() const { state_.online.exchange(1, std::memory_order_seq_cst); }  // (4)

   private:
    bool is_neutralized() const { return vcpu_.interrupts_taken() != state_.interrupts_at_begin; }

    VcpuState& state_;
    typename Machine::Vcpu& vcpu_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    retired_pages_.splice(std::move(batch));
    if (retired_pages_.size() < threshold_) return;
    Machine::full_fence();  // (5)
    online_.clear();
    for (std::size_t i = 0; i < vcpus_.size(); ++i) {
      if (vcpus_[i].online.load(std::memory_order_acquire) != 0) online_.push_back(&vcpus_.vcpu(i));
    }
    environment_.machine.interrupt(online_);  // (6)
    environment_.free(std::move(retired_pages_));
  }
  void drain() { environment_.free(std::move(retired_pages_)); }

  template <class Name>
  void name_variables(Name name) {
    for (std::size_t i = 0; i < vcpus_.size(); ++i) name(vcpus_[i].online, "online of vCPU ", i);
  }

 private:
  Environment<Machine, Node>& environment_;
  const PerVcpu<Machine, VcpuState> vcpus_;
  const std::size_t threshold_;
  // Both under mmu_lock; the vector has its room from the start, as commit() must not allocate:
  PageBatch<Node> retired_pages_;
  std::vector<typename Machine::Vcpu*> online_;
};

}  // namespace shadowwalk
