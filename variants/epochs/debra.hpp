// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>

#include "variants/limbo.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// debra: epochs whose advance is spread over all operations: each checks one other vCPU now and then.
///
/// begin: (1) announce the epoch, as it is now, in the vCPU's own word by xchg; every 64th time: check one vCPU.
/// end:   (2) clear the word by a release store: the vCPU is quiescent, and does not delay the epoch.
/// check: (3) if the next vCPU's word is clear or holds the epoch, the next check is for the vCPU after it; (4) a
///         thread that has found all vCPUs so within one epoch advances it by cmpxchg.
/// commit: flush_remote_tlbs(); (5) full barrier; the batch waits for (6) the epoch plus two; check one vCPU or, if 64
///         or more pages are waiting, all; free the batches that have waited long enough.
///
/// (1) and (5) are store buffering, as ebr's. (2) pairs with the acquire in (3).
/// (3), (4), (6) are seq_cst: a walker that read a page's SPTE before its unlink announced before (5); the epoch that
///     (6) reads precedes both advances; each vCPU is checked between the first of them and the second, and that check
///     sees the announcement, which is older than (6).
/// (4) releases the checks to every thread that reads the new epoch: the sections that the checks found over are over
/// for that thread, too.
/// Source: T. Brown, Reclaiming Memory for Lock-Free Data Structures: There has to be a Better Way, PODC 2015. One
/// limbo list, since mmu_lock lets one zap retire at a time. Without DEBRA+'s signals: nbr has those.
/// Cost: a full barrier per walk, and a read of another vCPU's line every 64 walks; a stalled walker keeps everything.
template <class Machine>
class Debra {
 public:
  using Node = LimboNode;
  static constexpr VariantInfo kInfo{
      .name = "debra",
      .family = Family::epoch,
      .summary = "epochs that all threads help to advance, one check of a vCPU at a time",
      .source = "Brown, PODC 2015",
      .read_side_cost = "xchg and a release store on the vCPU's own line; reads of others' lines",
      .unreclaimed_bound = "none: what is zapped while a walker is inside a section",
      .most_unreclaimed = no_unreclaimed_bound,
      .needs = "nothing"};

  explicit Debra(Environment<Machine, Node>& environment) : environment_(environment), vcpus_(environment.machine) {}

 private:
  using Epoch = typename Machine::template Atomic<std::uint64_t>;
  static constexpr std::uint64_t kOutside = 0;

  /// How many vCPUs a thread has checked in an epoch.
  struct Round {
    std::uint64_t epoch = 0;
    std::size_t seen = 0;
  };
  struct VcpuState {
    Epoch announced{kOutside};
    // The vCPU's own:
    Round round;
    unsigned sections_since_check = 0;
  };

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Debra& scheme, typename Machine::Vcpu& vcpu) : scheme_(scheme), state_(scheme.vcpus_.of(vcpu)) {}
    void begin() const {
      const std::uint64_t epoch = scheme_.epoch_.load(std::memory_order_acquire);
      state_.announced.exchange(epoch, std::memory_order_seq_cst);  // (1)
      if (++state_.sections_since_check >= kSectionsPerCheck) [[unlikely]] {
        state_.sections_since_check = 0;
        scheme_.check_next(state_.round, epoch);
      }
    }
    bool end() const {
      state_.announced.store(kOutside, std::memory_order_release);  // (2)
      return true;
    }

   private:
    Debra& scheme_;
    VcpuState& state_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    Machine::full_fence();                                                                 // (5)
    limbo_.push(epoch_.load(std::memory_order_seq_cst) + kEpochsApart, std::move(batch));  // (6)
    if (limbo_.pages() < Machine::retire_threshold(0)) {
      check_next(round_, epoch_.load(std::memory_order_seq_cst));
    } else {
      check_all();
    }
    limbo_.free_up_to(epoch_.load(std::memory_order_acquire), environment_);
  }
  void drain() { limbo_.free_all(environment_); }

  template <class Name>
  void name_variables(Name name) {
    name(epoch_, "epoch");
    for (std::size_t i = 0; i < vcpus_.size(); ++i) name(vcpus_[i].announced, "epoch announced by vCPU ", i);
  }

 private:
  static constexpr unsigned kSectionsPerCheck = Machine::amortised_over(64);
  static constexpr std::uint64_t kEpochsApart = 2;

  /// False: that vCPU is in a section of an older epoch.
  [[gnu::noinline]] bool check_next(Round& round, std::uint64_t epoch) {
    if (round.epoch != epoch) round = {.epoch = epoch, .seen = 0};
    const std::uint64_t announced = vcpus_[round.seen].announced.load(std::memory_order_seq_cst);  // (3)
    if (announced != kOutside && announced != epoch) return false;
    if (++round.seen == vcpus_.size()) {
      round.seen = 0;
      epoch_.compare_exchange_strong(epoch, epoch + 1, std::memory_order_seq_cst, std::memory_order_relaxed);  // (4)
    }
    return true;
  }

  /// Through as many epochs as the newest page has to wait for.
  void check_all() {
    for (std::size_t i = 0; i < kEpochsApart * vcpus_.size(); ++i) {
      if (!check_next(round_, epoch_.load(std::memory_order_seq_cst))) return;
    }
  }

  Environment<Machine, Node>& environment_;
  alignas(64) Epoch epoch_{1};
  const PerVcpu<Machine, VcpuState> vcpus_;
  // Both under mmu_lock:
  Round round_;
  Limbo<Node> limbo_;
};

}  // namespace shadowwalk
