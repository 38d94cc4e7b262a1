// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

namespace shadowwalk {

/// Bugs that lockless code here could have, and that KVM has had. At the place of such a bug the source asks its
/// machine whether the bug is planted:
///
///   if (Machine::has_bug(Mutant::spte_read_twice)) ...
///
/// The native and the coherence machine answer no at compile time, at no cost. The simulated machine has the bug that
/// simulation::Execution::plant() planted, so that `shadowwalk verify` can show that it would find that bug. Names and
/// origins are in harness/verify/mutants.hpp.
enum class Mutant : std::uint8_t {
  // the flush: harness/machine/request_all_cpus.hpp
  second_flusher_returns_early,  ///< the sender does not wait for a request that is pending already
  request_without_barrier,       ///< the request is a plain store, followed at once by the load of the mode
  // the vCPU: harness/machine/vcpu.hpp
  request_cleared_unlocked,      ///< taking the requests is a load and a store
  guest_entry_ignores_requests,  ///< the vCPU does not check its requests again once the mode is in_guest
  // the walker: harness/mmu/vcpu_mmu.hpp
  spte_read_twice,  ///< decides on one read, continues with another
  // the scheme: harness/verify/mutated_variant.hpp
  begin_without_barrier,  ///< what begin() and read() order is not ordered
  end_before_last_read,   ///< the section ends before the leaf is read
  zapped_pages_kept,      ///< for reuse, until the scheme is drained
  one_page_per_commit,    ///< a commit frees one of the pages that it could free
  page_freed_twice,
  page_never_freed,
  // the interrupt: harness/simulation/cpu.cpp
  ipi_lost,         ///< sent, but never delivered
  gate_left_closed  ///< the section's end does not open the gate
};

}  // namespace shadowwalk
