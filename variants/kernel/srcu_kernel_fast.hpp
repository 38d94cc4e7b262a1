// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/kernel/srcu_kernel.hpp"

namespace shadowwalk {

struct FastSrcu {
  static auto& of(auto& machine) { return machine.srcu_fast(); }
};

/// srcu-kernel-fast: srcu-kernel whose walkers have no barrier: srcu_read_lock_fast() and srcu_read_unlock_fast(). For
/// a Machine that has such a domain, srcu_fast(), in place of srcu().
///
/// begin and end count on the CPU's own line, each by one instruction; what orders them is the freer's: a grace period
/// of such a domain waits for RCU's where srcu-kernel's has a full barrier of its own.
/// Source: Linux 6.15; the kernel that runs must have it.
/// Cost: a call and a count on the CPU's own line, twice per walk (the calls are the module's: a kernel's own code has
/// the counts in line); grace periods of SRCU that are RCU's several times over.
template <class Machine>
class SrcuKernelFast : public SrcuScheme<Machine, FastSrcu> {
 public:
  static constexpr VariantInfo kInfo{
      .name = "srcu-kernel-fast",
      .family = Family::kernel,
      .summary = "the kernel's own SRCU without barriers in walks (Linux 6.15)",
      .source = "srcu_read_lock_fast() of Linux 6.15",
      .read_side_cost = "srcu_read_lock_fast and unlock: two counts on the CPU's own line",
      .unreclaimed_bound = "none: what is zapped within a grace period of SRCU",
      .most_unreclaimed = no_unreclaimed_bound,
      .needs = "srcu_read_lock_fast() of Linux 6.15",
      .kernel_only = true};
  using SrcuScheme<Machine, FastSrcu>::SrcuScheme;
};

}  // namespace shadowwalk
