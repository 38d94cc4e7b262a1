// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

namespace shadowwalk {

/// One thing that the host does to the guest's memory, at one beat of the zap rate.
struct HostAction {
  enum class Kind {
    zap_oldest,      ///< the oldest shadow page of `level`, with its subtree: quota, shrinker, write flooding
    zap_everything,  ///< valid-generation flip: a memslot is deleted or moved
    write_protect,   ///< takes the W bit from the next `pages` dirty guest pages: dirty logging's pre-copy
    invalidate,      ///< clears the leaves of the next `pages` guest pages: mmu_notifier, balloon; frees no page
    shrink,          ///< zaps oldest-first until `pages` shadow pages are unlinked, and waits until they are free
  };
  Kind kind = Kind::zap_oldest;
  unsigned weight = 1;      ///< share of the beats, relative to the other actions' weights
  int level = 1;            ///< zap_oldest: 1..3
  std::uint64_t pages = 0;  ///< write_protect, invalidate: 4 KiB guest pages; shrink: shadow pages
};

}  // namespace shadowwalk
