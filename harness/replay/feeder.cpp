#include "harness/replay/feeder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "harness/guest/guest_abi.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::replay {
namespace {

using trace::TraceEvent;
using trace::TraceKind;

/// All lanes together: 20 MiB.
constexpr std::uint64_t kMostHeld = std::uint64_t{1} << 19;

/// Kinds whose gfn is a guest frame number, if it is known.
bool has_guest_gfn(TraceKind kind) {
  return trace::access_of(kind) || kind == TraceKind::zap_page || kind == TraceKind::zap_leaf ||
         kind == TraceKind::write_protect;
}

}  // namespace

bool is_replayable(const TraceEvent& event) {
  if (trace::access_of(event.kind)) return event.gfn != trace::kUnknownGfn;
  return trace::is_zap(event.kind) || event.kind == TraceKind::write_protect;
}

Feeder::Feeder(const std::filesystem::path& file, const Shape& shape)
    : reader_(file),
      shape_(shape),
      has_tdp_mmu_(reader_.info().by_kind[static_cast<std::size_t>(TraceKind::zap_leaf)] != 0) {
  const std::uint64_t lanes = shape.vcpus + (shape.host_lane ? 1 : 0);
  const std::uint64_t capacity = std::bit_floor(std::clamp<std::uint64_t>(kMostHeld / lanes, 2, shape.ahead));
  for (std::uint64_t i = 0; i < lanes; ++i) lanes_.push_back(std::make_unique<Lane>(capacity, bell_));
}

void Feeder::run() {
  const std::uint64_t pass = pass_ns(reader_.info());
  while (feed_pass()) {
    if (fed_per_pass_ == 0) fed_per_pass_ = fed_;
    if (fed_ == 0) throw InputError(fmt::format("{}: none of its events can be replayed", reader_.name()));
    pass_begins_ns_ = saturating_add(pass_begins_ns_, pass);
    covered_.clear();
    reader_.rewind();
  }
}

bool Feeder::feed_pass() {
  std::uint64_t index = 0;
  while (const auto event = reader_.next()) {
    if (bell_.stopped()) return false;
    check(*event, index++);
    if (is_covered(*event)) {
      ++covered_zaps_;
    } else if (!is_replayed(*event)) {
      ++skipped_;
    } else if (!feed(*event)) {
      return false;
    }
  }
  return true;
}

bool Feeder::feed(const TraceEvent& event) {
  if (fed_ >= may_feed_below_ && !hold_back()) return false;
  Lane& lane = event.vcpu == trace::kHostThread ? host_lane() : vcpu_lane(event.vcpu % shape_.vcpus);
  if (lane.full() && !lane.wait_until_half_empty()) return false;
  FedEvent fed{event, fed_++};
  fed.event.time_ns = saturating_add(pass_begins_ns_, event.time_ns);
  lane.push(fed);
  return true;
}

std::pair<Lane*, std::uint64_t> Feeder::slowest() const {
  std::pair<Lane*, std::uint64_t> found{lanes_.front().get(), fed_};
  for (const auto& lane : lanes_) {
    if (const std::uint64_t number = lane->oldest(fed_); number < found.second) found = {lane.get(), number};
  }
  return found;
}

/// Waits until no thread is `ahead` events behind the next one. False: stopped.
bool Feeder::hold_back() {
  for (;;) {
    const auto [lane, oldest] = slowest();
    may_feed_below_ = oldest + shape_.ahead;
    if (fed_ < may_feed_below_) return true;
    if (!lane->wait_until_done_below(oldest + shape_.ahead / 2)) return false;
  }
}

// Every pass feeds the same events.
std::uint64_t Feeder::passes() const { return fed_per_pass_ == 0 ? 0 : slowest().second / fed_per_pass_; }

/// The TDP MMU records each leaf that a notifier's range zaps, so that the range itself has no effect of its own; and a
/// range of memory that is no guest's has none at all.
bool Feeder::is_replayed(const TraceEvent& event) const {
  return is_replayable(event) && !(has_tdp_mmu_ && event.kind == TraceKind::unmap_hva);
}

/// The kernel records a zap of everything, then each of its pages; in the TDP MMU a zap of a page, then each leaf and
/// page below it (handle_removed_tdp_mmu_page()). Replaying the first event zaps them all.
bool Feeder::is_covered(const TraceEvent& event) {
  if (!is_replayable(event)) return false;  // a page that is removed is synchronised first
  Covered& covered = covered_[event.vcpu];
  const bool is_page = event.kind == TraceKind::zap_page || event.kind == TraceKind::zap_table;
  if (event.kind == TraceKind::zap_all) {
    // The count is of the shadow MMU's pages only: where it is 0, the TDP MMU's follow, leaves and pages of the old
    // root, until the thread does something else (kvm_tdp_mmu_zap_invalidated_roots()).
    covered = {.pages = event.pages, .all_that_follow = event.pages == 0 && has_tdp_mmu_};
    return false;
  }
  if (covered.all_that_follow && (is_page || event.kind == TraceKind::zap_leaf)) return true;
  if (covered.pages != 0 && is_page) {
    --covered.pages;
    return true;
  }
  const bool is_below = (event.kind == TraceKind::zap_page || event.kind == TraceKind::zap_leaf) &&
                        event.pages < covered.last - covered.first && event.gfn >= covered.first &&
                        event.gfn < covered.last;
  if (is_below) return true;
  covered = {};
  if (has_tdp_mmu_ && event.kind == TraceKind::zap_page && event.gfn != trace::kUnknownGfn) {
    covered = {.first = event.gfn, .last = event.gfn + event.pages};
  }
  return false;
}

void Feeder::check(const TraceEvent& event, std::uint64_t index) const {
  if (has_guest_gfn(event.kind) && event.gfn != trace::kUnknownGfn && event.gfn >= guest_abi::kWindowPages) {
    throw InputError(fmt::format("{}: event {} ({}): gfn {:#x} is beyond the lab's 2^36 pages", reader_.name(), index,
                                 trace::kind_name(event.kind), event.gfn));
  }
  if (event.vcpu == trace::kHostThread && !shape_.host_lane) {
    throw InputError(fmt::format("{}: event {} ({}) is of a thread that runs no vCPU; the end record promises none",
                                 reader_.name(), index, trace::kind_name(event.kind)));
  }
}

}  // namespace shadowwalk::replay
