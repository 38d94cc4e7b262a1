#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "harness/trace/trace_event.hpp"

namespace shadowwalk::trace {

/// Sorts events that arrive nearly in order: it holds up to `capacity` events and emits the earliest. A held event can
/// still be changed. Events of equal times keep their order.
class ReorderWindow {
 public:
  using Sink = std::function<void(const TraceEvent&)>;

  /// Identifies an event that was added.
  struct Ticket {
    std::uint32_t slot = 0;
    std::uint64_t number = UINT64_MAX;
  };

  ReorderWindow(std::size_t capacity, Sink sink) : capacity_(capacity), sink_(std::move(sink)) {
    slots_.resize(capacity + 1);
    for (std::size_t slot = 0; slot <= capacity; ++slot) free_.push_back(static_cast<std::uint32_t>(slot));
    heap_.reserve(capacity + 1);
  }

  /// Nothing if the event is earlier than one that was emitted already: it is dropped and counted as late.
  std::optional<Ticket> add(const TraceEvent& event) {
    if (event.time_ns < emitted_) {
      ++late_;
      latest_by_ = std::max(latest_by_, emitted_ - event.time_ns);
      return std::nullopt;
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = {event, next_number_++};
    heap_.push_back({event.time_ns, slots_[slot].number, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
    const Ticket ticket{slot, slots_[slot].number};
    if (heap_.size() > capacity_) emit();
    return ticket;
  }

  /// The event while it is held, which the caller may change except for its time; otherwise null.
  TraceEvent* find(Ticket ticket) {
    Slot& slot = slots_[ticket.slot];
    return slot.number == ticket.number ? &slot.event : nullptr;
  }

  /// Emits all held events.
  void flush() {
    while (!heap_.empty()) emit();
  }

  std::uint64_t late() const { return late_; }
  /// A lower bound of the greatest delay of a late event, in ns.
  std::uint64_t latest_by() const { return latest_by_; }

 private:
  struct Slot {
    TraceEvent event;
    std::uint64_t number = UINT64_MAX - 1;
  };
  struct Entry {
    std::uint64_t time_ns;
    std::uint64_t number;
    std::uint32_t slot;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.number > b.number;
  }

  void emit() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    emitted_ = entry.time_ns;
    sink_(slots_[entry.slot].event);
    slots_[entry.slot].number = UINT64_MAX - 1;
    free_.push_back(entry.slot);
  }

  std::size_t capacity_;
  Sink sink_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Entry> heap_;
  std::uint64_t next_number_ = 0;
  std::uint64_t emitted_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t latest_by_ = 0;
};

}  // namespace shadowwalk::trace
