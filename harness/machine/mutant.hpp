#pragma once

#include <cstdint>

namespace shadowwalk {

/// Bugs that lockless code here could have, and that KVM has had. Where one would be, the source asks its machine
/// whether it has it:
///
///   if (Machine::has(Mutant::spte_read_twice)) ...
///
/// What runs on the hardware says no at compile time, and pays nothing. The simulated machine has one when it is told
/// to (simulation::Execution::plant()), so that `shadowwalk verify` can show that it would be found. What they are
/// called and where they come from: harness/verify/mutants.hpp.
enum class Mutant : std::uint8_t {
  // the flush: harness/machine/request_all_cpus.hpp
  second_flusher_returns_early,  ///< a request that is pending already is not waited for
  request_without_barrier,       ///< the request is a plain store, and the mode is looked at right after
  // the vCPU: harness/machine/vcpu.hpp
  request_cleared_unlocked,      ///< taking the requests is a load and a store
  guest_entry_ignores_requests,  ///< they are not looked at again once the mode is in_guest
  // the walker: harness/mmu/vcpu_mmu.hpp
  spte_read_twice,  ///< decides on one read, goes on with another
  // the scheme: harness/verify/mutated_variant.hpp
  begin_without_barrier,  ///< what begin() and read() order is not ordered
  end_before_last_read,   ///< the section ends before the leaf is read
  zapped_pages_kept,      ///< for reuse, until the scheme is drained
  one_page_per_commit,    ///< a commit frees one page of those that it could
  page_freed_twice,
  page_never_freed,
  // the interrupt: harness/simulation/cpu.cpp
  ipi_lost,         ///< sent, and never delivered
  gate_left_closed  ///< the section's end does not open it
};

}  // namespace shadowwalk
