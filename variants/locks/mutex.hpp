// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/contract.hpp"

namespace shadowwalk {

/// mutex: walks under mmu_lock, the naive scheme.
///
/// Read side: take mmu_lock, walk, drop it. Commit holds mmu_lock, so that no walker is inside a section: flush and
/// free at once. Ordering: the lock's acquire and release are all there is.
/// Source: KVM before 3.4 handled MMIO faults this way.
/// Cost: two locked operations per walk, and a queue as soon as there are two vCPUs or a zapper.
template <class Machine>
class Mutex {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{.name = "mutex",
                                     .family = Family::lock,
                                     .summary = "walks under mmu_lock: the naive scheme",
                                     .source = "KVM before Linux 3.4",
                                     .read_side_cost = "lock and unlock of one shared lock; walkers queue",
                                     .unreclaimed_bound = "0: freed in commit",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "nothing"};

  explicit Mutex(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Mutex& scheme, typename Machine::Vcpu&) : mmu_lock_(scheme.environment_.mmu_lock) {}
    void begin() const { mmu_lock_.lock(); }
    bool end() const {
      mmu_lock_.unlock();
      return true;
    }

   private:
    typename Machine::MmuLock& mmu_lock_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
