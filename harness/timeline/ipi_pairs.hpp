#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "harness/timeline/recorder.hpp"

namespace shadowwalk::timeline {

/// An IPI and the acknowledgement that answered it; ticks. Tracks by their place in `tracks`.
struct IpiPair {
  std::size_t sender = 0;
  std::uint64_t sent = 0;
  std::size_t target = 0;
  std::uint64_t acknowledged = 0;
};

/// One acknowledgement may answer several IPIs, which signals coalesce. An IPI whose acknowledgement was dropped, or
/// that was acknowledged before it was sent by clocks that differ, has no pair. `records`: each track's, in order of
/// time.
std::vector<IpiPair> pair_ipis(std::span<const std::unique_ptr<Track>> tracks,
                               const std::vector<std::vector<Record>>& records);

}  // namespace shadowwalk::timeline
