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

Feeder::Feeder(const std::filesystem::path& file, const Shape& shape) : reader_(file), shape_(shape) {
  const std::uint64_t lanes = shape.vcpus + (shape.host_lane ? 1 : 0);
  const std::uint64_t capacity = std::bit_floor(std::clamp<std::uint64_t>(kMostHeld / lanes, 2, shape.ahead));
  for (std::uint64_t i = 0; i < lanes; ++i) lanes_.push_back(std::make_unique<Lane>(capacity, bell_));
}

void Feeder::run() {
  const std::uint64_t pass = pass_ns(reader_.info());
  while (feed_pass()) {
    ++passes_;
    if (fed_ == 0) throw InputError(fmt::format("{}: none of its events can be replayed", reader_.name()));
    pass_begins_ns_ = saturating_add(pass_begins_ns_, pass);
    pages_of_zap_all_.clear();
    reader_.rewind();
  }
}

bool Feeder::feed_pass() {
  std::uint64_t index = 0;
  while (const auto event = reader_.next()) {
    if (bell_.stopped()) return false;
    check(*event, index++);
    if (is_of_zap_all(*event)) {
      ++of_zap_alls_;
    } else if (!is_replayable(*event)) {
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

/// Waits until no thread is `ahead` events behind the next one. False: stopped.
bool Feeder::hold_back() {
  for (;;) {
    Lane* slowest = lanes_.front().get();
    std::uint64_t oldest = fed_;
    for (const auto& lane : lanes_) {
      if (const std::uint64_t number = lane->oldest(fed_); number < oldest) {
        oldest = number;
        slowest = lane.get();
      }
    }
    may_feed_below_ = oldest + shape_.ahead;
    if (fed_ < may_feed_below_) return true;
    if (!slowest->wait_until_done_below(oldest + shape_.ahead / 2)) return false;
  }
}

/// The kernel records a zap of everything, then each of its pages: replaying the first event zaps them all.
bool Feeder::is_of_zap_all(const TraceEvent& event) {
  if (event.kind == TraceKind::zap_all) {
    if (event.pages != 0) pages_of_zap_all_[event.vcpu] = event.pages;
    return false;
  }
  if (pages_of_zap_all_.empty()) return false;
  const auto found = pages_of_zap_all_.find(event.vcpu);
  if (found == pages_of_zap_all_.end()) return false;
  if (!is_replayable(event)) return false;  // a page that is removed is synchronised first
  const bool is_page = event.kind == TraceKind::zap_page || event.kind == TraceKind::zap_table;
  if (!is_page || --found->second == 0) pages_of_zap_all_.erase(found);
  return is_page;
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
