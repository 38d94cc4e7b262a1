#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "harness/machine/native_machine.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/zapper.hpp"
#include "variants/controls/leak.hpp"
#include "variants/controls/unsafe.hpp"
#include "variants/kernel/rcu_counter.hpp"

namespace shadowwalk {

/// A tree with one vCPU, all on the test's thread.
template <template <class> class Variant>
class MmuFixture : public testing::Test {
 protected:
  using Tree = ShadowTree<NativeMachine, Variant, MeasuredGeometry>;
  using Vcpu = VcpuMmu<Tree>;
  using Walked = typename Vcpu::Walked;

  MmuFixture() : machine(1), tree(machine, MmuLockKind::ticket, window, 1 << 16), zapper(tree) {
    machine.vcpus()[0]->bind("vcpu-0");
    vcpu = std::make_unique<Vcpu>(tree, *machine.vcpus()[0], ReadDelay{}, 1);
  }
  ~MmuFixture() override {
    vcpu.reset();
    zapper.zap_all();
    tree.variant().drain();
    EXPECT_EQ(tree.footprint().shadow(), 0u) << "every page is freed in the end";
    machine.vcpus()[0]->unbind();
  }

  Walked walk(Gfn gfn, LeafKind kind) { return vcpu->template walk<true, false>(gfn, kind); }
  /// Walks, and faults where the walk asks for it. True: the walk served.
  bool access(Gfn gfn, LeafKind kind) {
    if (walk(gfn, kind) == Walked::served) return true;
    vcpu->fault(gfn, kind);
    return false;
  }
  SpteWord leaf(Gfn gfn) {
    typename Tree::Guard guard(tree, LockHolder::fault);
    auto* page = tree.current_root();
    while (page != nullptr && page->level > 1) {
      const SpteWord entry = tree.slot_of(*page, gfn).load();
      page = spte::is_present(entry) ? &tree.pool().page(entry) : nullptr;
    }
    return page == nullptr ? spte::kAbsent : tree.slot_of(*page, gfn).load();
  }

  Window window;
  NativeMachine machine;
  Tree tree;
  Zapper<Tree> zapper;
  std::unique_ptr<Vcpu> vcpu;
};

}  // namespace shadowwalk
