// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <string_view>

/// Which variants a kernel can have only under a mmu_lock that sleeps: the module refuses others, `list variants` says
/// so. variants/contract.hpp has the rule that they break.
namespace shadowwalk::kernel {

/// Why the commit() of a variant must not run under a lock that spins, as a literal; empty: it may.
constexpr std::string_view why_needs_mutex(std::string_view variant) {
  constexpr std::string_view kSleeps =
      "its commit waits for a grace period, which must not be done under a lock that spins";
  constexpr std::string_view kWaits =
      "its commit waits for walkers, which can have been preempted: a CPU that spins under mmu_lock might wait for "
      "ever";
  constexpr std::string_view kAllocates =
      "its commit may allocate memory, which must not be done under a lock that spins";
  if (variant == "rcu-expedited") return kSleeps;
  if (variant == "srcu" || variant == "mode-membarrier" || variant == "rwlock") return kWaits;
  if (variant == "hyaline") return kAllocates;
  return {};
}

}  // namespace shadowwalk::kernel
