#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/measure/pmu/event_list.hpp"
#include "harness/measure/pmu/perf_kernel.hpp"

namespace shadowwalk::pmu {

/// A count taken during part of the time, extrapolated to all of it.
struct ScaledCount {
  std::optional<double> estimate;  ///< nothing: the event was never counted
  double multiplexed = 0;          ///< the fraction of the time in which it was not counted, 0 to 1
};

/// The kernel's rule: count x enabled / running, both in the same unit. `running` beyond `enabled` is a clock's
/// rounding and taken as equal. Pure; never divides by zero.
inline ScaledCount scale(double count, std::uint64_t enabled, std::uint64_t running) {
  if (enabled == 0) return {};
  if (running == 0) return {std::nullopt, 1.0};
  const double part = static_cast<double>(std::min(running, enabled)) / static_cast<double>(enabled);
  return {count / part, 1.0 - part};
}

/// One event's count since enable(), as read.
struct CounterReading {
  std::size_t event = 0;  ///< index into the requested events
  std::size_t group = 0;  ///< events of one group were counted over the same time
  std::uint64_t count = 0;
  std::uint64_t enabled_ns = 0;
  std::uint64_t running_ns = 0;  ///< less than enabled: others shared the PMU, or it has too few counters
};

/// Events of the calling thread, in as few groups as the PMU can count at once: a member that does not fit (the kernel
/// returns EINVAL or ENOSPC, or never puts the group on the PMU) begins a group of its own, and the kernel then
/// alternates between groups. Hardware events share groups with hardware events only, so that a group is read in one
/// way.
///
/// Opened and self-read on the counted thread; enable, disable and read may be called from any one thread at a time.
class ThreadCounters {
 public:
  explicit ThreadCounters(std::span<const EncodedEvent> events, PerfKernel& kernel = PerfKernel::real(),
                          const OpenFacts& facts = open_facts());
  ~ThreadCounters();
  ThreadCounters(const ThreadCounters&) = delete;
  ThreadCounters& operator=(const ThreadCounters&) = delete;

  /// The events that could not be opened.
  const std::vector<Refusal>& refused() const { return refused_; }

  void enable();
  void disable();
  /// Every open event, in the order of groups.
  std::vector<CounterReading> read() const;

  /// Events that are counted over the same time: `events`, `pages`, `fds` and `ids` have one entry per member.
  struct Group {
    std::vector<std::size_t> events;                 ///< indices into the requested events
    std::vector<const perf_event_mmap_page*> pages;  ///< for self-reading; null: cannot be mapped
    /// Every member may be read without a system call. False until enabled: a stopped event has no counter.
    bool self_readable = false;
    std::vector<int> fds;  ///< the leader first
    std::vector<std::uint64_t> ids;
    std::vector<std::uint64_t> baseline;  ///< as the kernel's read fills words, at enable()
  };
  std::span<const Group> groups() const { return groups_; }

 private:
  /// Opens one group with as many of `events` as fit, then continues with the rest.
  void open_groups(std::vector<std::size_t> events);
  bool is_scheduled(const Group& group);
  void pop_last(Group& group);
  std::vector<std::uint64_t> read_words(const Group& group) const;

  PerfKernel& kernel_;
  const std::vector<EncodedEvent> events_;
  const OpenFacts facts_;
  std::vector<Group> groups_;
  std::vector<Refusal> refused_;
};

}  // namespace shadowwalk::pmu
