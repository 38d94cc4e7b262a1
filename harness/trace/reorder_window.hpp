#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "harness/trace/trace_event.hpp"

namespace shadowwalk::trace {

/// Puts events that come nearly in order into order: it holds the last `capacity` of them and gives out the earliest.
/// An event that is held can still be changed. Of equal times the one that came first goes first.
class ReorderWindow {
 public:
  using Sink = std::function<void(const TraceEvent&)>;

  /// Names an event that was added.
  struct Ticket {
    std::uint32_t slot = 0;
    std::uint64_t number = UINT64_MAX;
  };

  ReorderWindow(std::size_t capacity, Sink sink) : capacity_(capacity), sink_(std::move(sink)) {
    slots_.resize(capacity + 1);
    for (std::size_t slot = 0; slot <= capacity; ++slot) free_.push_back(static_cast<std::uint32_t>(slot));
    heap_.reserve(capacity + 1);
  }

  /// Nothing for an event that is before one which was given out already: it is dropped and counted as late.
  std::optional<Ticket> add(const TraceEvent& event) {
    if (event.time_ns < given_out_) {
      ++late_;
      latest_by_ = std::max(latest_by_, given_out_ - event.time_ns);
      return std::nullopt;
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = {event, next_number_++};
    heap_.push_back({event.time_ns, slots_[slot].number, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
    const Ticket ticket{slot, slots_[slot].number};
    if (heap_.size() > capacity_) give_out();
    return ticket;
  }

  /// The event while it is held, to be changed but for its time; else null.
  TraceEvent* find(Ticket ticket) {
    Held& held = slots_[ticket.slot];
    return held.number == ticket.number ? &held.event : nullptr;
  }

  /// Gives out all that is held.
  void flush() {
    while (!heap_.empty()) give_out();
  }

  std::uint64_t late() const { return late_; }
  /// By how much the latest of the late events came after its time at the least, in ns.
  std::uint64_t latest_by() const { return latest_by_; }

 private:
  struct Held {
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

  void give_out() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    given_out_ = entry.time_ns;
    sink_(slots_[entry.slot].event);
    slots_[entry.slot].number = UINT64_MAX - 1;
    free_.push_back(entry.slot);
  }

  std::size_t capacity_;
  Sink sink_;
  std::vector<Held> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Entry> heap_;
  std::uint64_t next_number_ = 0;
  std::uint64_t given_out_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t latest_by_ = 0;
};

}  // namespace shadowwalk::trace
