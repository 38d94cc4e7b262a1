#include "harness/host_kvm/host_beats.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::host_kvm {
namespace {

constexpr unsigned long kNoQuota = 1ul << 24;  // shadow pages: 64 GiB of them

}  // namespace

HostBeats::Beat HostBeats::next() {
  const HostAction& action = schedule_.next();
  Beat beat{.kind = action.kind, .began = 0, .ended = 0, .pages = plan_.touch.pages, .dirty_again = 0};
  vm_.begin_beat();
  beat.began = CycleClock::now();
  const PageRange concerned = act(action, beat.pages);
  beat.ended = CycleClock::now();
  vm_.end_beat(concerned);
  if (beat.kind == HostAction::Kind::write_protect) beat.dirty_again = count_dirty_again();
  return beat;
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
PageRange HostBeats::act(const HostAction& action, std::uint64_t& pages) {
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

}  // namespace shadowwalk::host_kvm
