// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

#include "harness/mmu/geometry.hpp"
#include "harness/trace/trace_event.hpp"

namespace shadowwalk {

/// What a trace's event other than an access does to the tree: the zaps of a real host, in the engine's terms. No
/// workload has these; its host part are HostActions.
struct ReplayAction {
  enum class Kind {
    zap_all,        ///< valid-generation flip
    zap_page,       ///< the pages of `level` that translate the `pages` guest pages from `gfn` on, with their subtrees
    zap_oldest,     ///< the oldest page of `level`, with its subtree
    zap_range,      ///< clears the leaves of the `pages` guest pages from `gfn` on
    zap_next,       ///< clears the next `pages` leaves there are
    write_protect,  ///< takes the W bit from the `pages` guest pages from `gfn` on
    write_protect_next,  ///< takes it from the next `pages` leaves that have it
  };
  Kind kind = Kind::zap_all;
  int level = 1;
  Gfn gfn = 0;
  std::uint64_t pages = 0;  ///< 4 KiB guest pages

  friend bool operator==(const ReplayAction&, const ReplayAction&) = default;
};

/// `event`: replayable, and no access. Where the recording does not tell which guest page an event is about (the table
/// of a zap_table, the gfn behind an unmap_hva), it is done to the oldest page of that level, or to the next leaves
/// (docs/trace-format.md). Pure.
ReplayAction replay_action(const trace::TraceEvent& event);

}  // namespace shadowwalk
