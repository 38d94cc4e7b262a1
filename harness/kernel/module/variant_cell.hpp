// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "harness/kernel/module/engine.hpp"
#include "harness/kernel/module/failure.hpp"
#include "harness/lab/host_actor.hpp"
#include "harness/lab/tree_vcpu.hpp"

namespace shadowwalk::kernel {

/// Whether the pool has pages for a fault of each vCPU at once: asked before a fault, since under mmu_lock it would be
/// too late to say no. Twice as many, as other faults and frees go on meanwhile.
template <class Tree>
class PoolRoom {
 public:
  PoolRoom(const Tree& tree, CellFailure& failure)
      : tree_(tree),
        failure_(failure),
        reserve_(2 * Tree::Geometry::kLevels * const_cast<Tree&>(tree).machine().vcpus().size()) {}

  /// False: the cell has failed for want of pages.
  bool suffices() const {
    // Signed: while others allocate and free, more frees than allocations may be seen.
    const auto used = static_cast<std::int64_t>(tree_.footprint().shadow());
    if (used + static_cast<std::int64_t>(reserve_) <= static_cast<std::int64_t>(tree_.pool().capacity())) [[likely]]
      return true;
    failure_.report(ENOMEM, "the page pool is exhausted: ", std::uint64_t{tree_.footprint().retired()}, " of ",
                    std::uint64_t{tree_.pool().capacity()}, " shadow pages are unlinked and not yet freed by ",
                    Tree::Variant::kInfo.name, "; give more pool_pages, a lower zap_rate or a shorter cell");
    return false;
  }
  std::size_t reserve() const { return reserve_; }

 private:
  const Tree& tree_;
  CellFailure& failure_;
  const std::size_t reserve_;
};

/// A vCPU that looks for room before it faults.
template <class Tree, bool kFullChecks, bool kReadDelay>
class KernelVcpu : public TreeVcpu<Tree, kFullChecks, kReadDelay> {
  using Base = TreeVcpu<Tree, kFullChecks, kReadDelay>;

 public:
  KernelVcpu(Tree& tree, Vcpu& vcpu, std::uint64_t seed, const PoolRoom<Tree>& room, const ReadDelay& delay)
      : Base(tree, vcpu, seed, delay), room_(room) {}
  bool fault(Access access) { return room_.suffices() && Base::fault(access); }

 private:
  const PoolRoom<Tree>& room_;
};

inline ReadDelay read_delay(const shadowwalk_read_delay& delay) {
  return {.one_in = delay.one_in, .stall_us = delay.stall_ns / 1000, .every_us = delay.every_ns / 1000};
}
inline MmuLockKind lock_kind(std::uint32_t lock) {
  return lock == SHADOWWALK_LOCK_MUTEX    ? MmuLockKind::mutex
         : lock == SHADOWWALK_LOCK_RWLOCK ? MmuLockKind::rwlock
                                          : MmuLockKind::ticket;
}

template <template <class> class Variant>
class VariantCell final : public Engine {
 public:
  using Tree = ShadowTree<KernelMachine, Variant, MeasuredGeometry>;

  explicit VariantCell(const EngineConfig& config)
      : request_(config.request),
        machine_(config.machine),
        tree_(config.machine, lock_kind(config.request.mmu_lock), config.window, config.request.pool_pages,
              config.request.instrumentation == SHADOWWALK_INSTRUMENTATION_NONE ? Clocks::off : Clocks::on),
        host_(tree_, config.window, config.request.working_set),
        room_(tree_, config.failure) {
    if (!tree_.pool().has_memory()) return;
    tree_.pool().pretouch(config.request.pretouch_pages);
    tree_.set_quota(config.request.quota_pages);
  }

  bool has_memory() const override { return tree_.pool().has_memory() && machine_.has_memory(); }
  std::unique_ptr<EngineVcpu> attach_vcpu(unsigned index) override {
    const bool first = index == 0 && request_.first_vcpu_delay.one_in != 0;
    const ReadDelay delay = read_delay(first ? request_.first_vcpu_delay : request_.read_delay);
    return make_engine_vcpu<Walking>(request_.full_checks != 0, delay, tree_, *machine_.vcpus()[index],
                                     request_.guest.seed * 1024 + index, room_);
  }
  Zapped act(const HostAction& action) override { return host_.act(action); }
  void stop_waiting() override { host_.stop_waiting(); }
  std::uint64_t drain() override { return host_.drain(); }
  MmuRecords records() const override { return host_.records(); }

 private:
  template <bool kFullChecks, bool kReadDelay>
  using Walking = KernelVcpu<Tree, kFullChecks, kReadDelay>;

  const shadowwalk_request& request_;
  KernelMachine& machine_;
  Tree tree_;
  HostActor<Tree> host_;
  const PoolRoom<Tree> room_;
};

template <template <class> class Variant>
inline constexpr KernelVariant kKernelVariant{.info = Variant<KernelMachine>::kInfo,
                                              .make_engine = [](const EngineConfig& config) -> std::unique_ptr<Engine> {
                                                return std::make_unique<VariantCell<Variant>>(config);
                                              }};

}  // namespace shadowwalk::kernel
