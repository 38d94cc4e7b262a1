#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// Counts the IPIs of flushes, and their time from the first request to the last acknowledgement.
class IpiRecord final : public NativeMachine::IpiObserver {
 public:
  IpiRecord(const Window& window, LiveCounters::Ipis& counters) : window_(window), counters_(counters) {}
  void on_ipis(std::size_t sent, std::uint64_t ticks) override {
    counters_.total.fetch_add(sent, std::memory_order_relaxed);
    if (!window_.contains(CycleClock::now())) return;
    counters_.in_window.fetch_add(sent, std::memory_order_relaxed);
    counters_.ns.record(CycleClock::to_whole_ns(ticks));
  }
  std::uint64_t sent() const { return counters_.in_window.load(std::memory_order_relaxed); }
  /// In the cell's whole life.
  std::uint64_t total() const { return counters_.total.load(std::memory_order_relaxed); }
  Histogram ns() const { return counters_.ns.snapshot(); }

 private:
  const Window& window_;
  LiveCounters::Ipis& counters_;
};

}  // namespace shadowwalk
