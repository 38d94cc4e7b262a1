#include "harness/timeline/unreclaimed.hpp"

#include <algorithm>
#include <cstddef>

namespace shadowwalk::timeline {
namespace {

struct Change {
  std::uint64_t at = 0;
  std::int64_t pages = 0;
};

}  // namespace

std::vector<Level> unreclaimed_pages(std::span<const std::unique_ptr<Track>> tracks,
                                     const std::vector<std::vector<Record>>& records) {
  std::int64_t level = 0;
  std::uint64_t complete = 0;
  std::vector<Change> changes;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const Ring& ring = tracks[i]->seldom;
    level += static_cast<std::int64_t>(ring.dropped(Probe::page__retire) - ring.dropped(Probe::page__free));
    if (ring.has_dropped()) complete = std::max(complete, ring.in_order().front().ticks);
    for (const Record& record : records[i]) {
      if (record.probe == Probe::page__retire) changes.push_back({record.ticks, static_cast<std::int64_t>(record.a)});
      if (record.probe == Probe::page__free) {
        changes.push_back({record.ticks + record.c, -static_cast<std::int64_t>(record.a)});
      }
    }
  }
  std::ranges::stable_sort(changes, {}, &Change::at);
  std::vector<Level> levels;
  for (const Change& change : changes) {
    level += change.pages;
    // Clocks of two CPUs may differ a little: no page is freed before it is unlinked.
    if (change.at >= complete)
      levels.push_back({change.at, static_cast<std::uint64_t>(std::max<std::int64_t>(0, level))});
  }
  return levels;
}

}  // namespace shadowwalk::timeline
