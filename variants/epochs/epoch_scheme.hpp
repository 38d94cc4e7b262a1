// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "variants/contract.hpp"
#include "variants/per_vcpu.hpp"

namespace shadowwalk {

/// What ebr (ebr.hpp has the steps and their orderings), ebr-amortized and ebr-nofence share. kFence: whether walkers
/// fence; kFreesPerRetired: how many pages are freed per retired page, 0: all at once.
template <class Machine, bool kFence = true, std::size_t kFreesPerRetired = 0>
class EpochScheme {
 public:
  struct Node {};

  explicit EpochScheme(Environment<Machine, Node>& environment)
      : environment_(environment), announced_(environment.machine) {}

 private:
  using Epoch = typename Machine::template Atomic<std::uint64_t>;
  static constexpr std::uint64_t kOutside = 0;

 public:
  class Walker : public PlainWalker<Machine> {
   public:
    Walker(EpochScheme& scheme, typename Machine::Vcpu& vcpu)
        : epoch_(scheme.epoch_), announced_(scheme.announced_.of(vcpu)) {}
    void begin() const {
      const std::uint64_t epoch = epoch_.load(std::memory_order_acquire);
      if constexpr (kFence) {
        announced_.exchange(epoch, std::memory_order_seq_cst);  // (1)
      } else {
        announced_.store(epoch, std::memory_order_relaxed);
      }
    }
    bool end() const {
      announced_.store(kOutside, std::memory_order_release);  // (2)
      return true;
    }

   private:
    const Epoch& epoch_;
    Epoch& announced_;
  };

  void birth(VariantPage<Node>&) {}

  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    const std::size_t retired = batch.size();
    bag_of(epoch_.load(std::memory_order_relaxed)).splice(std::move(batch));
    Machine::full_fence();  // (3)
    while (!all_bags_empty() && advance()) {
    }
    if constexpr (kFreesPerRetired != 0) {
      for (std::size_t i = 0; i < kFreesPerRetired * retired && !freeable_.empty(); ++i) {
        environment_.free(freeable_.pop_front());
      }
    }
  }

  void drain() {
    for (PageBatch<Node>& bag : bags_) environment_.free(std::move(bag));
    environment_.free(std::move(freeable_));
  }

  template <class Name>
  void name_variables(Name name) {
    name(epoch_, "epoch");
    for (std::size_t i = 0; i < announced_.size(); ++i) name(announced_[i], "epoch announced by vCPU ", i);
  }

 private:
  PageBatch<Node>& bag_of(std::uint64_t epoch) { return bags_[epoch % bags_.size()]; }
  bool all_bags_empty() const {
    return std::all_of(bags_.begin(), bags_.end(), [](const PageBatch<Node>& bag) { return bag.empty(); });
  }

  /// False: a walker is still in an older epoch.
  bool advance() {
    const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < announced_.size(); ++i) {
      const std::uint64_t announced = announced_[i].load(std::memory_order_acquire);  // (4)
      if (announced != kOutside && announced != epoch) return false;
    }
    epoch_.store(epoch + 1, std::memory_order_release);  // (5)
    // The bag of two epochs ago, which is the next one's.
    PageBatch<Node>& bag = bag_of(epoch + 2);
    if constexpr (kFreesPerRetired == 0) {
      environment_.free(std::move(bag));
    } else {
      freeable_.splice(std::move(bag));
    }
    return true;
  }

  Environment<Machine, Node>& environment_;
  alignas(64) Epoch epoch_{1};  // written under mmu_lock
  const PerVcpu<Machine, Epoch> announced_;
  // All under mmu_lock:
  std::array<PageBatch<Node>, 3> bags_;  // retired in an epoch, by epoch
  PageBatch<Node> freeable_;             // no walker reads them any more
};

}  // namespace shadowwalk
