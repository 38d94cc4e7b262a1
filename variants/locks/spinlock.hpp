// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/contract.hpp"

namespace shadowwalk {

/// spinlock: walkers take a lock of their own, apart from mmu_lock.
///
/// Read side: take the lock, walk, drop it. commit: flush_remote_tlbs(); take the lock, so that no walker is inside;
/// drop it; free. Ordering: the lock's acquire and release. A walker that takes the lock after the freer sees the
/// unlink. Compared with mutex it shows what walking under mmu_lock costs beyond a lock: there faults and whole zaps
/// wait, too.
/// Source: a ticket lock (D. Reed and R. Kanodia, CACM 22(2), 1979), as the kernel's spinlock was until 4.2 (2015).
/// Cost: two operations on a line that all vCPUs share, and a queue as soon as there are two; nothing unreclaimed.
template <class Machine>
class SpinLock {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{.name = "spinlock",
                                     .family = Family::lock,
                                     .summary = "walkers take turns under a ticket lock of their own",
                                     .source = "Reed and Kanodia 1979 (CACM 22(2))",
                                     .read_side_cost = "lock and unlock of one shared lock; walkers queue",
                                     .unreclaimed_bound = "0: freed in commit",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "nothing"};

  explicit SpinLock(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(SpinLock& scheme, typename Machine::Vcpu&) : lock_(scheme.lock_) {}
    void begin() const { lock_.lock(); }
    bool end() const {
      lock_.unlock();
      return true;
    }

   private:
    typename Machine::MmuLock& lock_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    lock_.lock();
    lock_.unlock();
    environment_.free(std::move(batch));
  }
  void drain() {}

  template <class Name>
  void name_variables(Name name) {
    name(lock_, "the walkers' lock");
  }

 private:
  Environment<Machine, Node>& environment_;
  typename Machine::MmuLock lock_;  // taken with mmu_lock held, and never the other way round
};

}  // namespace shadowwalk
