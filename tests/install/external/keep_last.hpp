#pragma once

#include <optional>
#include <utility>

#include "variants/contract.hpp"

/// A scheme that is written outside shadowwalk's source tree: walkers take mmu_lock, and the pages of a zap are freed
/// by the next one.
template <class Machine>
class KeepLast {
 public:
  struct Node {};
  static constexpr shadowwalk::VariantInfo kInfo{
      .name = "keep-last",
      .summary = "walks under mmu_lock, frees one zap later",
      .source = "the test of the installed package",
      .read_side_cost = "a lock",
      .unreclaimed_bound = "the pages of one zap",
      .most_unreclaimed = [](const shadowwalk::ReclamationLoad& load) { return std::optional(load.largest_batch); },
      .needs = "nothing"};

  explicit KeepLast(shadowwalk::Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public shadowwalk::PlainWalker<Machine> {
   public:
    Walker(KeepLast& scheme, typename Machine::Vcpu&) : lock_(scheme.environment_.mmu_lock) {}
    void begin() { lock_.lock(); }
    bool end() {
      lock_.unlock();
      return true;
    }

   private:
    typename Machine::MmuLock& lock_;
  };

  void birth(shadowwalk::VariantPage<Node>&) {}
  void commit(shadowwalk::PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    environment_.free(std::exchange(last_, std::move(batch)));
  }
  void drain() { environment_.free(std::exchange(last_, {})); }

 private:
  shadowwalk::Environment<Machine, Node>& environment_;
  shadowwalk::PageBatch<Node> last_;  // mmu_lock
};
