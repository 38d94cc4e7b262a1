// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "harness/mmu/geometry.hpp"

namespace shadowwalk {

/// Stalls a walker between two levels now and then, as rcutorture's read delay does. Off when timing.
struct ReadDelay {
  std::uint64_t one_in = 0;    ///< walks between two stalls, on average; 0: off
  std::uint64_t stall_us = 0;  ///< how long
  std::uint64_t every_us = 0;  ///< at least so long from one stall to the next

  bool on() const { return one_in != 0; }
};

/// The identity of each table that a walk passed (`--checks full`): level, gfn, and that it was not freed meanwhile.
/// Off when timing.
template <class Page, int Levels>
class WalkTrail {
 public:
  void start() {
    passed_ = 0;
    mismatch_ = false;
  }
  void pass(const Page& page, Gfn table_gfn, int level) {
    incarnation_[passed_] = page.incarnation.load(std::memory_order_relaxed);
    mismatch_ |= (incarnation_[passed_] & 1) == 0 || page.level != level || page.gfn != table_gfn;
    page_[passed_++] = &page;
  }
  /// Before the section ends: whether any table was not the one that its parent named, or was freed during the walk.
  bool found_freed_page() const {
    for (int i = 0; i < passed_; ++i) {
      if (page_[i]->incarnation.load(std::memory_order_relaxed) != incarnation_[i]) return true;
    }
    return mismatch_;
  }

 private:
  std::array<const Page*, Levels> page_{};
  std::array<std::uint64_t, Levels> incarnation_{};
  int passed_ = 0;
  bool mismatch_ = false;
};

}  // namespace shadowwalk
