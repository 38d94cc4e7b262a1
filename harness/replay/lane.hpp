#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/trace_event.hpp"

/// Replay of a trace: its events go to threads that repeat what the recorded threads did.
namespace shadowwalk::replay {

/// How fast a trace is replayed.
struct Pace {
  /// Each thread begins its next event as soon as it has finished the previous one.
  bool closed_loop = false;
  /// Open loop: the times between events are divided by it, kSlowest to kFastest.
  double speed = 1;

  static constexpr double kSlowest = 0.001;
  static constexpr double kFastest = 1000;
};

/// `2.5` or `closed-loop`; nothing if the text is neither, or out of range. Pure.
std::optional<Pace> parse_pace(std::string_view text);
std::string to_string(const Pace& pace);

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

/// When an event of this trace time is due, in ns since the replay began; kNever beyond 146 years. Pure.
std::uint64_t due_ns(std::uint64_t trace_ns, double speed);

/// The trace time from one pass over the trace to the next: its duration plus one average interval between events,
/// which separates the last event from the first. Pure.
std::uint64_t pass_ns(const trace::TraceInfo& info);

/// The sum, saturated at kNever.
constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) { return a > kNever - b ? kNever : a + b; }

/// The replay's clock, shared by all of its threads.
class ReplayClock {
 public:
  explicit ReplayClock(const Pace& pace) : pace_(pace) {}

  const Pace& pace() const { return pace_; }
  /// Sets the time that corresponds to trace time 0, in ticks of the cycle clock. Call it once.
  void start(std::uint64_t ticks) { start_.store(ticks, std::memory_order_release); }
  bool started() const { return start_.load(std::memory_order_acquire) != kNever; }
  /// When an event of this trace time is due, in ticks of the cycle clock; 0 in a closed loop. Valid after start().
  std::uint64_t due(std::uint64_t trace_ns) const;

 private:
  const Pace pace_;
  std::atomic<std::uint64_t> start_{kNever};
};

/// An event on its way to the thread that replays it.
struct FedEvent {
  trace::TraceEvent event;   ///< its time is since the replay began, over all passes
  std::uint64_t number = 0;  ///< among the fed events, in the trace's order
};

/// The feeder waits here until a lane has room.
class FeederBell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  /// Ends all waits of the feeder. Any thread.
  void stop() {
    stopped_.store(true, std::memory_order_relaxed);
    ring();
  }
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  /// Waits until `ready` holds, which is checked at each ring(). False: stopped.
  template <class Ready>
  bool wait(Ready ready) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped() || ready(); });
    return !stopped();
  }

 private:
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// How long a thread sleeps while its lane is empty: normally the feeder is ahead of it.
class FeedBackoff {
 public:
  std::uint64_t next_ns() { return ns_ = std::clamp<std::uint64_t>(2 * ns_, 20'000, 1'000'000); }
  void reset() { ns_ = 0; }

 private:
  std::uint64_t ns_ = 0;
};

/// A bounded queue of events from the feeder to one thread. Events stay in it until they are done, so that the feeder
/// knows each thread's progress.
class Lane {
 public:
  /// `capacity`: a power of two.
  Lane(std::size_t capacity, FeederBell& bell);

  // --- The feeder's side

  bool full() const { return tail_.load(std::memory_order_relaxed) - done_.load(std::memory_order_acquire) == size_; }
  /// Must not be full.
  void push(const FedEvent& event);
  /// The number of the oldest event that is not done; `none` if all are.
  std::uint64_t oldest(std::uint64_t none) const;
  /// Waits until half of a full lane is done. False: the bell was stopped.
  bool wait_until_half_empty();
  /// Waits until all events with a smaller number are done. False: the bell was stopped.
  bool wait_until_done_below(std::uint64_t number);

  // --- The side of the thread that replays the events

  /// The available events, in order; fewer than all where the ring wraps. They stay valid until done().
  std::span<const FedEvent> available() const;
  /// Marks the first `count` of them as done.
  void done(std::size_t count);

 private:
  bool wait_until_done(std::uint64_t index);
  const FedEvent& at(std::uint64_t index) const { return events_[index & (size_ - 1)]; }

  FeederBell& bell_;
  const std::size_t size_;
  std::vector<FedEvent> events_;
  // Counts of events since the lane was made. One side writes each, on a cache line of its own.
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> done_{0};
  alignas(64) std::atomic<std::uint64_t> ring_at_{kNever};  // when `done_` reaches this, the feeder continues
};

}  // namespace shadowwalk::replay
