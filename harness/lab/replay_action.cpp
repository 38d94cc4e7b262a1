#include "harness/lab/replay_action.hpp"

#include <algorithm>

namespace shadowwalk {
namespace {

using trace::TraceEvent;
using trace::TraceKind;
using Geo = MeasuredGeometry;

/// Of the table that translates so many pages: 512^level of them.
int level_of(std::uint64_t pages, int highest) {
  int level = 1;
  while (level < highest && pages >= Geo::span(level + 1)) ++level;
  return level;
}

}  // namespace

ReplayAction replay_action(const TraceEvent& event) {
  using Kind = ReplayAction::Kind;
  const bool known = event.gfn != trace::kUnknownGfn;
  switch (event.kind) {
    case TraceKind::zap_page:
      if (!known) break;
      return {Kind::zap_page, level_of(event.pages, Geo::kLevels), event.gfn, event.pages};
    case TraceKind::zap_leaf:
      return known ? ReplayAction{Kind::zap_range, 1, event.gfn, event.pages}
                   : ReplayAction{Kind::zap_next, 1, 0, event.pages};
    case TraceKind::unmap_hva:
      return {Kind::zap_next, 1, 0, event.pages};
    case TraceKind::write_protect:
      return known ? ReplayAction{Kind::write_protect, 1, event.gfn, event.pages}
                   : ReplayAction{Kind::write_protect_next, 1, 0, event.pages};
    case TraceKind::zap_all:
      return {};
    default:
      break;
  }
  // zap_table, whose gfn is the guest's table. There is one root, which is in use: the level below it instead.
  return {.kind = Kind::zap_oldest, .level = level_of(event.pages, Geo::kLevels - 1)};
}

}  // namespace shadowwalk
