#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "harness/timeline/recorder.hpp"

namespace shadowwalk::timeline {

/// From `at` on so many pages are unlinked and not yet freed.
struct Level {
  std::uint64_t at = 0;  ///< ticks
  std::uint64_t pages = 0;
};

/// The pages that are unlinked and not yet freed, over time: from where all tracks' records are complete. `records`:
/// each track's, in order of time. A row of pages counts with its first when it is unlinked, with its last when it is
/// freed.
std::vector<Level> unreclaimed_pages(std::span<const std::unique_ptr<Track>> tracks,
                                     const std::vector<std::vector<Record>>& records);

}  // namespace shadowwalk::timeline
