#pragma once

#include <linux/perf_event.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/measure/pmu/thread_counters.hpp"

namespace shadowwalk::pmu {

#if defined(__x86_64__)
inline constexpr bool kHasRdpmc = true;
/// One counter of this CPU. Faults unless the kernel allows it (cap_user_rdpmc).
inline std::uint64_t rdpmc(std::uint32_t counter) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(counter));
  return (std::uint64_t{high} << 32) | low;
}
#else
inline constexpr bool kHasRdpmc = false;  // Arm's needs kernel.perf_user_access and other registers: read() serves it
inline std::uint64_t rdpmc(std::uint32_t) { return 0; }
#endif

/// Reads an event of the calling thread through its mmap page, without a system call. False: not readable now, since
/// the kernel does not allow it, or the event is on no counter at the moment (multiplexed, disabled).
///
/// The page's lock is a sequence lock that the kernel writes on this same CPU, in interrupts and context switches: only
/// the compiler can reorder here, so compiler barriers are enough (the protocol of perf_event.h).
template <class Rdpmc>
bool read_self(const volatile perf_event_mmap_page& page, Rdpmc read_counter, std::uint64_t& count) {
  constexpr int kTries = 64;  // each retry means an interrupt in between; a page that stays odd is broken
  for (int i = 0; i < kTries; ++i) {
    const std::uint32_t before = page.lock;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const std::uint32_t index = page.index;
    const bool allowed = page.cap_user_rdpmc != 0;
    const unsigned width = page.pmc_width;
    const std::int64_t offset = page.offset;
    const std::uint64_t raw = allowed && index != 0 ? read_counter(index - 1) : 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (page.lock != before || (before & 1) != 0) continue;
    if (!allowed || index == 0 || width == 0 || width > 64) return false;
    // The hardware counts up from -period: its top bit is a sign.
    const auto value = static_cast<std::int64_t>(raw << (64 - width)) >> (64 - width);
    count = static_cast<std::uint64_t>(offset) + static_cast<std::uint64_t>(value);
    return true;
  }
  return false;
}

/// Adds up what a thread's events count during stretches of its work alone (bursts of walks, zaps), by self-reading at
/// both ends, without a system call. Only groups whose members are all self-readable take part; the others have read()
/// for the whole time. A stretch contains half of its own readings, some tens of instructions per event: much compared
/// with one walk, negligible compared with a burst. Counted thread only; allocates nothing after construction.
template <class Rdpmc>
class StretchCounts {
 public:
  /// The totals of one group. It saw seen_units / all_units of the work, which is how its counts are scaled: while the
  /// group is off the PMU it cannot be read, and such stretches are left out of the counts and of seen_units.
  struct GroupTotals {
    std::vector<std::uint64_t> counts;  ///< one per member, as in ThreadCounters::Group
    std::uint64_t seen_units = 0;
    std::uint64_t all_units = 0;
  };

  explicit StretchCounts(const ThreadCounters& counters, Rdpmc read_counter)
      : counters_(counters), read_counter_(read_counter) {
    for (const ThreadCounters::Group& group : counters.groups()) {
      totals_.push_back({std::vector<std::uint64_t>(group.events.size()), 0, 0});
      before_.push_back({std::vector<std::uint64_t>(group.events.size()), false});
      if (group.events.size() > after_.size()) after_.resize(group.events.size());
    }
  }

  void begin() {
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      before_[i].valid = read_all(counters_.groups()[i], before_[i].counts);
    }
  }

  /// Ends the stretch, which did `units` of work; 0: the stretch does not count.
  void end(std::uint64_t units) {
    if (units == 0) return;
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      GroupTotals& totals = totals_[i];
      totals.all_units += units;
      if (!before_[i].valid || !read_all(counters_.groups()[i], after_)) continue;
      totals.seen_units += units;
      for (std::size_t k = 0; k < totals.counts.size(); ++k) totals.counts[k] += after_[k] - before_[i].counts[k];
    }
  }

  const std::vector<GroupTotals>& totals() const { return totals_; }

 private:
  struct Before {
    std::vector<std::uint64_t> counts;
    bool valid = false;
  };

  bool read_all(const ThreadCounters::Group& group, std::vector<std::uint64_t>& counts) {
    if (!group.self_readable) return false;
    for (std::size_t k = 0; k < group.pages.size(); ++k) {
      if (!read_self(*group.pages[k], read_counter_, counts[k])) return false;
    }
    return true;
  }

  const ThreadCounters& counters_;
  Rdpmc read_counter_;
  std::vector<GroupTotals> totals_;
  std::vector<Before> before_;
  std::vector<std::uint64_t> after_;
};

}  // namespace shadowwalk::pmu
