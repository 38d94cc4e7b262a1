// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

#include "harness/guest/access.hpp"
#include "harness/lab/basic_records.hpp"
#include "harness/mmu/vcpu_mmu.hpp"

namespace shadowwalk {

/// The leaf that a guest's access needs: where the guests' words and the MMU's meet.
constexpr LeafKind leaf_kind(AccessKind kind) {
  switch (kind) {
    case AccessKind::read:
      return LeafKind::ram_read;
    case AccessKind::write:
    case AccessKind::page_table_write:
      return LeafKind::ram_write;
    case AccessKind::mmio:
      return LeafKind::mmio;
  }
  return LeafKind::mmio;
}

/// What walk_burst() walks on: one vCPU's side of a tree, and the guest's accesses. Made, used and destroyed on the
/// vCPU's own thread.
template <class Tree, bool kFullChecks, bool kReadDelay>
class TreeVcpu {
 public:
  using Machine = typename Tree::Machine;
  using Clock = Machine;

  TreeVcpu(Tree& tree, typename Machine::Vcpu& vcpu, std::uint64_t seed, const ReadDelay& delay)
      : mmu_(tree, vcpu, delay, seed), vcpu_(vcpu) {}

  VcpuMmu<Tree>& mmu() { return mmu_; }
  const VcpuMmu<Tree>& mmu() const { return mmu_; }

  [[gnu::always_inline]] bool served(Access access) {
    using Walked = typename VcpuMmu<Tree>::Walked;
    return mmu_.template walk<kFullChecks, kReadDelay>(access.gfn(), leaf_kind(access.kind())) == Walked::served;
  }
  /// `zero` is 0 and comes from the leaf of the walk before.
  [[gnu::always_inline]] bool served_after(Access access, std::uint64_t zero,
                                           SpteWord& leaf) requires(!kFullChecks && !kReadDelay) {
    using Walked = typename VcpuMmu<Tree>::Walked;
    const Gfn gfn = access.gfn() + zero;
    return mmu_.template walk_reading<false, false>(gfn, leaf_kind(access.kind()), leaf) == Walked::served;
  }
  bool served_clocking_section(Access access, std::uint64_t& ticks) {
    using Walked = typename VcpuMmu<Tree>::Walked;
    const Walked walked = mmu_.template walk<kFullChecks, kReadDelay, true>(access.gfn(), leaf_kind(access.kind()));
    ticks = mmu_.section_ticks();
    return walked == Walked::served;
  }
  /// Not once the vCPU is to stop: with more vCPUs than CPUs the rest of a burst, whose faults take their turns at
  /// mmu_lock, can last for minutes. Out of line: the loop of walks keeps its registers.
  [[gnu::noinline]] bool fault(Access access) {
    if (vcpu_.has_request(kRequestStop)) return false;
    if (access.kind() == AccessKind::page_table_write) {
      mmu_.page_table_write(access.gfn());
    } else {
      mmu_.fault(access.gfn(), leaf_kind(access.kind()));
    }
    return true;
  }

 private:
  VcpuMmu<Tree> mmu_;
  const typename Machine::Vcpu& vcpu_;
};

}  // namespace shadowwalk
