#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// Counts the IPIs of flushes, and their time from the first request to the last acknowledgement.
class IpiRecord final : public NativeMachine::IpiObserver {
 public:
  explicit IpiRecord(const Window& window) : window_(window) {}
  void on_ipis(std::size_t sent, std::uint64_t ticks) override {
    total_.fetch_add(sent, std::memory_order_relaxed);
    if (!window_.contains(CycleClock::now())) return;
    sent_.fetch_add(sent, std::memory_order_relaxed);
    ns_.record(CycleClock::to_whole_ns(ticks));
  }
  std::uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  /// In the cell's whole life.
  std::uint64_t total() const { return total_.load(std::memory_order_relaxed); }
  Histogram ns() const { return ns_.snapshot(); }

 private:
  const Window& window_;
  std::atomic<std::uint64_t> total_{0};
  std::atomic<std::uint64_t> sent_{0};
  ConcurrentHistogram ns_;
};

}  // namespace shadowwalk
