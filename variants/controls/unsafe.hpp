// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "variants/contract.hpp"

namespace shadowwalk {

/// unsafe: frees at once, even under a walker. The negative control: the lab must catch it, or the lab is blind.
///
/// Read side: nothing. Commit: flush_remote_tlbs(), which makes vCPUs leave the *guest* but waits for no walker, then
/// free. Ordering: none, which is the point. Source: rcutorture's "busted" flavour is the same idea.
template <class Machine>
class Unsafe {
 public:
  struct Node {};
  static constexpr VariantInfo kInfo{
      .name = "unsafe",
      .family = Family::control,
      .summary = "frees at once, even under a walker: the negative control that must be caught",
      .source = "after rcutorture's `busted` flavour",
      .read_side_cost = "none",
      .unreclaimed_bound = "0: freed in commit",
      .most_unreclaimed = all_freed_in_commit,
      .needs = "nothing",
      .safe = false};

  explicit Unsafe(Environment<Machine, Node>& environment) : environment_(environment) {}

  class Walker : public PlainWalker<Machine> {
   public:
    Walker(Unsafe&, typename Machine::Vcpu&) {}
    static void begin() {}
    static bool end() { return true; }
  };

  void birth(VariantPage<Node>&) {}
  void commit(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    environment_.free(std::move(batch));
  }
  void drain() {}

 private:
  Environment<Machine, Node>& environment_;
};

}  // namespace shadowwalk
