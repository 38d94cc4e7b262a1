// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "harness/machine/vcpu.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// mode-membarrier: the patch's mode word with plain stores; the freer pays for the barrier, on every CPU, and waits.
///
/// begin: (1) mode = READING, a plain store that the compiler does not move.
/// end:   (2) mode = OUTSIDE by a release store.
/// commit: (3) membarrier after the unlink; (4) wait for each vCPU until its mode is not READING; flush_remote_tlbs();
///         free at once.
///
/// (1) and (3) are irq-ipi's store buffering with an asymmetric fence: membarrier makes every CPU pass a full barrier
///     between the unlink and the loads of the modes (4). If a walker's store of READING comes before that barrier, (4)
///     sees it; if it comes after, so do the walker's loads, which see the unlink.
/// (2) pairs with the acquire load (4): a freer that sees OUTSIDE comes after all reads of the section.
/// No interrupt gate: irq-ipi closes it so that an IPI is acknowledged only after the section. Here no thread waits for
/// that; the freer reads the mode itself, and may have to read it several times, if it meets one section after another.
/// Source: the mode word of Linux c142786c6291 (2012), with membarrier(2)'s PRIVATE_EXPEDITED (Linux 22e4ebb97582,
/// 2017) and the kernel's smp_cond_load_acquire() in place of the IPI that waits.
/// Cost: two plain stores to the vCPU's own line; each zap interrupts every CPU that runs a thread of the process.
template <class Machine>
class ModeMembarrier {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{
      .name = "mode-membarrier",
      .family = Family::kernel,
      .summary = "irq-ipi's mode word by a plain store; the freer's membarrier pays for it",
      .source = "Linux c142786c6291 (2012) with membarrier(2) of 22e4ebb97582 (2017)",
      .read_side_cost = "two plain stores on the vCPU's own line",
      .unreclaimed_bound = "0: freed in commit, after membarrier and the last section",
      .most_unreclaimed = all_freed_in_commit,
      .needs = "membarrier PRIVATE_EXPEDITED",
      .needs_membarrier = true};

  explicit ModeMembarrier(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(ModeMembarrier&, typename Machine::Vcpu& vcpu) : vcpu_(vcpu) {}
    void begin() const {
      vcpu_.mode.store(VcpuMode::reading_shadow_page_tables, std::memory_order_relaxed);  // (1)
      Machine::compiler_barrier();
    }
    bool end() const {
      vcpu_.mode.store(VcpuMode::outside_guest, std::memory_order_release);  // (2)
      return true;
    }

   private:
    typename Machine::Vcpu& vcpu_;
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    Machine::membarrier_all();  // (3)
    for (const auto* vcpu : environment_.machine.vcpus()) {
      typename Machine::Backoff backoff;
      while (vcpu->mode.load(std::memory_order_acquire) == VcpuMode::reading_shadow_page_tables) backoff.wait();  // (4)
    }
    environment_.machine.flush_remote_tlbs();
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
