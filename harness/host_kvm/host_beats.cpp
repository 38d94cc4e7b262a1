#include "harness/host_kvm/host_beats.hpp"

#include <algorithm>
#include <bit>
#include <span>

namespace shadowwalk::host_kvm {
namespace {

constexpr unsigned long kNoQuota = 1ul << 24;  // shadow pages: 64 GiB of them

}  // namespace

void BeatTotals::add(const HostBeat& beat) {
  if (beat.pages != 0) ++beats;
  if (beat.kind == HostAction::Kind::shrink) ++shrinks;
  if (beat.kind != HostAction::Kind::write_protect) return;
  ++dirty_rounds;
  dirty_pages += beat.pages;
  dirty_again += beat.dirty_again;
}

Zapped HostBeats::act(const HostAction& action) {
  last_ = {.kind = action.kind, .pages = plan_.touch.pages};
  vm_.begin_beat();
  vm_.end_beat(perform(action, last_.pages));
  return {.pages = 0, .leaves = last_.pages};
}

void HostBeats::acted(std::uint64_t ended) {
  if (last_.kind == HostAction::Kind::write_protect) {
    last_.dirty_again = count_dirty_again();
    if (window_.contains(ended)) dirty_pages_ += last_.pages;
  }
  totals_.add(last_);
}

std::uint64_t HostBeats::count_dirty_again() {
  const std::span<const std::uint64_t> dirty = vm_.dirty_bitmap();
  std::uint64_t again = 0;
  for (std::size_t i = 0; i < dirty.size(); ++i) {
    again += static_cast<std::uint64_t>(std::popcount(dirty[i] & dirty_before_[i]));
    dirty_before_[i] |= dirty[i];
  }
  return again;
}

/// Returns the pages that await a first touch now.
PageRange HostBeats::perform(const HostAction& action, std::uint64_t& pages) {
  switch (action.kind) {
    case HostAction::Kind::zap_everything:
      vm_.flip_memory_slot();
      break;
    case HostAction::Kind::write_protect:
      pages = vm_.collect_dirty_log();
      break;
    case HostAction::Kind::invalidate: {
      const PageRange range = next_range(action.pages);
      vm_.discard(range);
      pages = range.count;
      return range;
    }
    case HostAction::Kind::zap_oldest:
    case HostAction::Kind::shrink:
      vm_.set_page_quota(kLeastQuota);
      vm_.set_page_quota(plan_.quota != 0 ? plan_.quota : kNoQuota);
      break;
  }
  return {.first = 0, .count = plan_.touch.pages};
}

PageRange HostBeats::next_range(std::uint64_t pages) {
  const PageRange range{.first = next_page_, .count = std::min(pages, plan_.touch.pages - next_page_)};
  next_page_ += range.count;
  if (next_page_ == plan_.touch.pages) next_page_ = 0;
  return range;
}

std::map<std::string, std::uint64_t> host_kvm_events(const HostPlan& plan, const BeatTotals& totals,
                                                     std::optional<std::uint64_t> recycled) {
  // Each round covers all of the memory, and protects what it found; a page that is found again was made writable
  // again.
  std::map<std::string, std::uint64_t> events = {{"zaps_total", totals.beats},
                                                 {"dirty_rounds_total", totals.dirty_rounds},
                                                 {"leaves_write_protected_total", totals.dirty_pages},
                                                 {"made_writable_total", totals.dirty_again},
                                                 {"shrinks_total", totals.shrinks}};
  if (!recycled) return events;
  const bool beats_recycle =
      std::ranges::any_of(plan.actions, [](const HostAction& action) { return info(action).by_quota; });
  if (plan.quota != 0 && !beats_recycle) events["quota_zaps_total"] = *recycled;
  if (*recycled == 0 && recycles_alone(plan))
    events["zaps_total"] = events["shrinks_total"] = 0;  // nothing was recycled
  return events;
}

}  // namespace shadowwalk::host_kvm
