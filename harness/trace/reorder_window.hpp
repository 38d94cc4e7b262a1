#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "harness/trace/trace_event.hpp"

namespace shadowwalk::trace {

/// Sorts events that arrive nearly in order: it holds up to `capacity` events and emits the earliest. A held event can
/// still be changed. Events of equal times keep their order.
class ReorderWindow {
 public:
  using Sink = std::function<void(const TraceEvent&)>;
  /// Identifies an event that was added, and orders it: its time, and how many were added before it.
  using Ticket = std::pair<std::uint64_t, std::uint64_t>;

  ReorderWindow(std::size_t capacity, Sink sink) : capacity_(capacity), sink_(std::move(sink)) {}

  /// Nothing if the event is earlier than one that was emitted already: it is dropped and counted as late.
  std::optional<Ticket> add(const TraceEvent& event) {
    if (event.time_ns < emitted_) {
      ++late_;
      latest_by_ = std::max(latest_by_, emitted_ - event.time_ns);
      return std::nullopt;
    }
    const Ticket ticket{event.time_ns, added_++};
    held_.emplace_hint(held_.end(), ticket, event);  // most events come after all others: no search
    if (held_.size() > capacity_) emit();
    return ticket;
  }

  /// The event while it is held, which the caller may change except for its time; otherwise null.
  TraceEvent* find(const Ticket& ticket) {
    const auto found = held_.find(ticket);
    return found == held_.end() ? nullptr : &found->second;
  }

  /// Emits all held events.
  void flush() {
    while (!held_.empty()) emit();
  }

  std::uint64_t late() const { return late_; }
  /// A lower bound of the greatest delay of a late event, in ns.
  std::uint64_t latest_by() const { return latest_by_; }

 private:
  void emit() {
    const auto earliest = held_.extract(held_.begin());
    emitted_ = earliest.mapped().time_ns;
    sink_(earliest.mapped());
  }

  const std::size_t capacity_;
  const Sink sink_;
  std::map<Ticket, TraceEvent> held_;
  std::uint64_t added_ = 0;
  std::uint64_t emitted_ = 0;  // time of the last
  std::uint64_t late_ = 0;
  std::uint64_t latest_by_ = 0;
};

}  // namespace shadowwalk::trace
