#include "harness/host_kvm/host_kvm_events.hpp"

#include <algorithm>

namespace shadowwalk::host_kvm {

void BeatTotals::add(const HostBeats::Beat& beat) {
  if (beat.pages != 0) ++beats;
  if (beat.kind == HostAction::Kind::shrink) ++shrinks;
  if (beat.kind != HostAction::Kind::write_protect) return;
  ++dirty_rounds;
  dirty_pages += beat.pages;
  dirty_again += beat.dirty_again;
}

std::map<std::string, std::uint64_t> host_kvm_events(const HostPlan& plan, const BeatTotals& totals,
                                                     std::optional<std::uint64_t> recycled) {
  // Each round covers all of the memory, and protects what it found; who is found again was made writable again.
  std::map<std::string, std::uint64_t> events = {{"zaps_total", totals.beats},
                                                 {"dirty_rounds_total", totals.dirty_rounds},
                                                 {"leaves_write_protected_total", totals.dirty_pages},
                                                 {"made_writable_total", totals.dirty_again},
                                                 {"shrinks_total", totals.shrinks}};
  if (!recycled) return events;
  const bool beats_recycle = std::ranges::any_of(plan.actions, is_recycling);
  if (plan.quota != 0 && !beats_recycle) events["quota_zaps_total"] = *recycled;
  if (*recycled == 0 && recycles_alone(plan)) events["zaps_total"] = events["shrinks_total"] = 0;  // beaten in vain
  return events;
}

}  // namespace shadowwalk::host_kvm
