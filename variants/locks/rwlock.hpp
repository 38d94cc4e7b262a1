// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

#include "variants/contract.hpp"

namespace shadowwalk {

/// rwlock: walkers share a reader-writer lock, the freer takes it for writing.
///
/// begin: (1) readers + 1; if the writer's bit is set: undo that, wait, try again.
/// end:   (2) readers - 1.
/// commit: flush_remote_tlbs(); (3) set the writer's bit; (4) wait until there are no readers; free; (5) clear the bit.
///
/// (1) acquires what (3) releases: a reader that counts itself after the writer set its bit finds it set; one that the
///     writer does not find at (4) comes after (5), and sees the unlink. One word, so that no other barrier is needed.
/// (2) releases the section's reads to (4), which acquires.
/// The lock is the scheme's own, apart from mmu_lock, which the freer holds already: no walker takes mmu_lock inside.
/// Source: the TDP MMU's faults share mmu_lock like this (Linux 531810caa9f4, 5.12, 2021); the lock is the plain one of
/// P. Courtois, F. Heymans and D. Parnas (CACM 14(10), 1971) with preference for writers.
/// Cost: two locked operations per walk on a line that all vCPUs share; nothing unreclaimed.
template <class Machine>
class RwLock {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{.name = "rwlock",
                                     .family = Family::lock,
                                     .summary = "walkers share a reader-writer lock",
                                     .source = "as KVM's mmu_lock since Linux 531810caa9f4 (2021)",
                                     .read_side_cost = "two atomic additions on one line that all vCPUs share",
                                     .unreclaimed_bound = "0: freed in commit, after the readers",
                                     .most_unreclaimed = all_freed_in_commit,
                                     .needs = "nothing"};

  explicit RwLock(Environment<Machine, Node>& environment) : environment_(environment) {}

 private:
  using Word = typename Machine::template Atomic<std::uint32_t>;
  static constexpr std::uint32_t kWriter = 1u << 31;

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(RwLock& scheme, typename Machine::Vcpu&) : word_(scheme.word_) {}
    void begin() const {
      while ((word_.fetch_add(1, std::memory_order_acquire) & kWriter) != 0)
        [[unlikely]]  // (1)
        wait_for_writer();
    }
    bool end() const {
      word_.fetch_sub(1, std::memory_order_release);  // (2)
      return true;
    }

   private:
    void wait_for_writer() const {
      word_.fetch_sub(1, std::memory_order_relaxed);
      typename Machine::Backoff backoff;
      while ((word_.load(std::memory_order_relaxed) & kWriter) != 0) backoff.wait();
    }

    Word& word_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    word_.fetch_add(kWriter, std::memory_order_acq_rel);  // (3): mmu_lock lets one writer in
    typename Machine::Backoff backoff;
    while (word_.load(std::memory_order_acquire) != kWriter) backoff.wait();  // (4)
    environment_.free(std::move(batch));
    word_.fetch_sub(kWriter, std::memory_order_release);  // (5)
  }
  void drain() {}

  template <class Name>
  void name_variables(Name name) {
    name(word_, "reader-writer lock");
  }

 private:
  Environment<Machine, Node>& environment_;
  alignas(64) Word word_{0};  // readers, and the writer's bit
};

}  // namespace shadowwalk
