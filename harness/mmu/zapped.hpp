#pragma once

#include <cstddef>

namespace shadowwalk {

/// What a zap found.
struct Zapped {
  std::size_t pages = 0;   ///< shadow pages unlinked
  std::size_t leaves = 0;  ///< leaf SPTEs cleared or write-protected, by operations that free no page
  bool empty() const { return pages == 0 && leaves == 0; }
};

}  // namespace shadowwalk
