#pragma once

#include <atomic>
#include <optional>

#include "harness/mmu/geometry.hpp"
#include "harness/mmu/spte.hpp"
#include "harness/mmu/walk_checks.hpp"

namespace shadowwalk::verify {

enum class GuestAccess {
  done,    ///< by a table that is one, or by a page fault: an exit
  exited,  ///< an interrupt came first
  freed    ///< it went through a table that was freed
};

/// The hardware's page walk in guest mode, with the paging-structure cache of its TLB: the table that it found last
/// serves it again, in the next guest entry too, until the TLB is flushed. It knows of no scheme: what keeps it from a
/// freed table is that flush_remote_tlbs() has it leave the guest, and flush before it enters again.
template <class Tree>
class GuestMode {
 public:
  explicit GuestMode(Tree& tree) : tree_(tree) {}

  void flush_tlb() { cached_.reset(); }

  /// One access of the guest's, in guest mode, which the vCPU has entered after its start_guest().
  template <class Vcpu>
  GuestAccess access(Vcpu& vcpu, const typename Tree::Page& root, Gfn gfn) {
    Cached walked;
    if (cached_ && cached_->gfn == Tree::Geometry::base(gfn, 1)) {
      walked = *cached_;
    } else {
      const SpteWord entry = tree_.slot_of(root, gfn).load(std::memory_order_acquire);
      if (!spte::is_present(entry)) return vcpu.guest_goes_on() ? GuestAccess::done : GuestAccess::exited;
      walked = {.gfn = Tree::Geometry::base(gfn, 1), .table = Tree::Pool::table(entry), .trail = {}};
      walked.trail.start();
      walked.trail.pass(tree_.pool().page(entry), walked.gfn, 1);
    }
    walked.table[Tree::Geometry::index(gfn, 1)].load(std::memory_order_acquire);
    // An interrupt that came meanwhile has ended the guest's run then, and nothing of this was used.
    if (!vcpu.guest_goes_on()) return GuestAccess::exited;
    cached_ = walked;
    return walked.trail.found_freed_page() ? GuestAccess::freed : GuestAccess::done;
  }

 private:
  struct Cached {
    Gfn gfn = 0;  // first of the table's
    typename Tree::Slot* table = nullptr;
    WalkTrail<typename Tree::Page, 1> trail;
  };

  Tree& tree_;
  std::optional<Cached> cached_;
};

}  // namespace shadowwalk::verify
