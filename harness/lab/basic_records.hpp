// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "harness/guest/access.hpp"
#include "harness/lab/record_modes.hpp"
#include "harness/machine/machine.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/measure/window.hpp"
#include "harness/mmu/mmu_counts.hpp"

/// What the threads of a cell record while they run, on any machine of real threads. `Clock` is that machine's clock:
/// now(), to_whole_ns().
namespace shadowwalk {

/// What one vCPU's walks took, in the window. Only bursts that lie in the window as a whole count as walks. Own thread
/// only, until it has ended.
struct WalkRecord {
  WalkRecord(const Window& window_in, unsigned walks_per_exit, Instrumentation level = Instrumentation::full,
             WalkMode mode = WalkMode::throughput)
      : window(window_in),
        walk_mode(mode),
        clocked(level != Instrumentation::none),
        sample_period(level != Instrumentation::full         ? kNever
                      : walks_per_exit < kAlwaysSampledBurst ? 1
                                                             : kSamplePeriod),
        until_sample(sample_period == kNever ? kNever : 1) {}

  static constexpr unsigned kAlwaysSampledBurst = 64;
  /// Prime, so that samples do not stay in step with a program's or a table's period.
  static constexpr std::size_t kSamplePeriod = 4093;
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  const Window& window;
  const WalkMode walk_mode;
  const bool clocked;
  const std::size_t sample_period;
  std::size_t until_sample;
  bool section_is_next = false;  ///< samples are of a walk and of a section in turn: one's clock is not in the other

  std::uint64_t burst_start = 0;  ///< of the last burst, in ticks
  std::uint64_t burst_end = 0;    ///< its end; its start again if nothing is clocked

  std::uint64_t walks = 0;
  std::uint64_t walk_ticks = 0;  ///< whole bursts less their faults
  std::uint64_t faults = 0;
  std::uint64_t walks_total = 0;  ///< in the cell's whole life, as faults_total
  std::uint64_t faults_total = 0;
  Histogram walk_ns;     ///< sampled single walks, one clock read in each
  Histogram section_ns;  ///< sampled read-side sections, the same
  Histogram fault_ns;    ///< mmu_lock wait included
};

/// The clock of a vCPU that walks.
template <class WalkingVcpu>
using ClockOf = typename WalkingVcpu::Clock;

/// Whether the lockless walk serves the access. A write to a page table never is: it is tracked, and emulated under
/// mmu_lock.
template <class WalkingVcpu>
[[gnu::always_inline]] inline bool walk_serves(WalkingVcpu& vcpu, Access access) {
  return access.kind() != AccessKind::page_table_write && vcpu.served(access);
}

// Out of line, and handed nothing by reference to the loop's own variables: those stay in registers.

/// One access, clocked as a sample: the walk as a whole, or the section in it. Whether the walk served the access.
template <class WalkingVcpu>
[[gnu::noinline]] bool sample_walk(WalkingVcpu& vcpu, Access access, WalkRecord& record, bool counts) {
  if constexpr (requires(std::uint64_t ticks) { vcpu.served_clocking_section(access, ticks); }) {
    if (access.kind() == AccessKind::page_table_write) return false;
    record.section_is_next = !record.section_is_next;
    if (!record.section_is_next) {
      std::uint64_t ticks = 0;
      const bool served = vcpu.served_clocking_section(access, ticks);
      if (counts && served) record.section_ns.record(ClockOf<WalkingVcpu>::to_whole_ns(ticks));
      return served;
    }
  }
  const std::uint64_t start = ClockOf<WalkingVcpu>::now();
  const bool served = walk_serves(vcpu, access);
  const std::uint64_t ticks = ClockOf<WalkingVcpu>::now() - start;
  if (counts && served) record.walk_ns.record(ClockOf<WalkingVcpu>::to_whole_ns(ticks));
  return served;
}

/// A fault, clocked. Its ticks; 0 if the cell is over.
template <class WalkingVcpu>
[[gnu::noinline]] std::uint64_t clocked_fault(WalkingVcpu& vcpu, Access access, WalkRecord& record, bool counts) {
  const std::uint64_t start = ClockOf<WalkingVcpu>::now();
  if (!vcpu.fault(access)) return 0;
  const std::uint64_t ticks = ClockOf<WalkingVcpu>::now() - start;
  ++record.faults_total;
  if (counts) {
    ++record.faults;
    record.fault_ns.record(ClockOf<WalkingVcpu>::to_whole_ns(ticks));
  }
  return ticks;
}

/// The walks that are no samples, and `fault(access)` for those that do not serve. A function of its own, so that the
/// loop is the same and keeps the same registers whatever is clocked around it.
template <class WalkingVcpu, class Fault>
[[gnu::noinline]] void walk_plain(WalkingVcpu& vcpu, std::span<const Access> accesses, Fault fault) {
  for (const Access access : accesses) {
    if (!walk_serves(vcpu, access)) [[unlikely]]
      fault(access);
  }
}

/// 0, of which neither the compiler nor the CPU knows before `value` is there.
inline std::uint64_t zero_after(std::uint64_t value) {
  std::uint64_t no_bits = 0;
  asm("" : "+r"(no_bits));
  return value & no_bits;
}

/// The same, but no walk begins before the leaf of the one before it was read: its gfn depends on it. As in KVM, where
/// an exit and an entry lie between two walks, which then cannot overlap in the CPU.
template <class WalkingVcpu, class Fault>
[[gnu::noinline]] void walk_in_turn(WalkingVcpu& vcpu, std::span<const Access> accesses, Fault fault) {
  std::uint64_t zero = 0;
  for (const Access access : accesses) {
    std::uint64_t leaf = 0;
    if (access.kind() == AccessKind::page_table_write || !vcpu.served_after(access, zero, leaf)) [[unlikely]]
      fault(access);
    zero = zero_after(leaf);
  }
}

/// walk_plain(), or walk_in_turn() in a cell that measures latency.
template <class WalkingVcpu, class Fault>
void walk_as(WalkMode mode, WalkingVcpu& vcpu, std::span<const Access> accesses, Fault fault) {
  if constexpr (requires(std::uint64_t leaf) { vcpu.served_after(Access(), leaf, leaf); }) {
    if (mode == WalkMode::latency) return walk_in_turn(vcpu, accesses, fault);
  }
  walk_plain(vcpu, accesses, fault);
}

/// The burst without a clock: what clocking it costs is measured against this.
template <class WalkingVcpu>
void walk_burst_unclocked(WalkingVcpu& vcpu, std::span<const Access> accesses, WalkRecord& record) {
  record.burst_start = record.burst_end = ClockOf<WalkingVcpu>::now();  // whether it is in the window
  std::uint64_t faults = 0;
  walk_as(record.walk_mode, vcpu, accesses, [&](Access access) {
    if (vcpu.fault(access)) ++faults;
  });
  record.walks_total += accesses.size();
  record.faults_total += faults;
  if (!record.window.contains(record.burst_start)) return;
  record.walks += accesses.size();
  record.faults += faults;
}

/// Walks a burst on `vcpu`, which offers `Clock`, `bool served(Access)` and `bool fault(Access)`, and clocks it: two
/// clock reads per burst, per fault and per sample. fault() returns false, and does nothing, once the cell is over. A
/// vCPU with sections offers `bool served_clocking_section(Access, uint64_t&)`; one whose walks can be made to wait for
/// each other, `bool served_after(Access, uint64_t zero, uint64_t& leaf)`.
template <class WalkingVcpu>
void walk_burst(WalkingVcpu& vcpu, std::span<const Access> accesses, WalkRecord& record) {
  if (!record.clocked) return walk_burst_unclocked(vcpu, accesses, record);
  const std::uint64_t start = ClockOf<WalkingVcpu>::now();
  const bool counts = record.window.contains(start);
  std::uint64_t fault_ticks = 0;
  const auto fault = [&](Access access) { fault_ticks += clocked_fault(vcpu, access, record, counts); };
  for (auto rest = accesses; !rest.empty();) {
    const std::size_t plain = std::min(rest.size(), record.until_sample - 1);
    walk_as(record.walk_mode, vcpu, rest.first(plain), fault);
    rest = rest.subspan(plain);
    record.until_sample -= plain;
    if (rest.empty()) break;
    if (!sample_walk(vcpu, rest.front(), record, counts)) fault(rest.front());
    rest = rest.subspan(1);
    record.until_sample = record.sample_period;
  }

  const std::uint64_t end = ClockOf<WalkingVcpu>::now();
  record.walks_total += accesses.size();
  if (counts && end < record.window.end()) {
    record.walks += accesses.size();
    record.walk_ticks += end - start - fault_ticks;
  }
  record.burst_start = start;
  record.burst_end = end;
}

/// The zaps of one thread. Own thread only, until it has ended.
template <class Clock>
struct BasicZapRecord {
  std::uint64_t zaps = 0;  ///< that ended in the window and found something
  std::uint64_t zaps_empty = 0;
  std::uint64_t zaps_total = 0;  ///< in the cell's whole life, of those that found something
  std::uint64_t zaps_empty_total = 0;
  std::uint64_t zaps_unfinished = 0;  ///< whose intended start lies in the window, and which had not ended when it did
  Histogram zap_ns;                   ///< from the intended start; of those that were to start in the window
  Histogram zap_service_ns;           ///< from the real one; of those that did start in the window

  /// When a beat ended that has just returned.
  static std::uint64_t end_of(const Zapped& zapped) { return zapped.ended != 0 ? zapped.ended : Clock::now(); }
  void record(const Zapped& zapped, std::uint64_t intended, std::uint64_t began, std::uint64_t end,
              const Window& window, bool clocked) {
    ++(zapped.empty() ? zaps_empty_total : zaps_total);
    if (window.contains(end)) ++(zapped.empty() ? zaps_empty : zaps);
    if (window.contains(intended) && end >= window.end()) ++zaps_unfinished;
    if (zapped.empty() || !clocked) return;
    // Open loop: a zap that had to wait for the one before it began late, and its latency says so. One that ends after
    // the window counts: else the slowest would be missing.
    if (window.contains(intended)) zap_ns.record(Clock::to_whole_ns(end - intended));
    if (window.contains(began)) zap_service_ns.record(Clock::to_whole_ns(end - began));
  }
  /// A zap that was to start at `intended` did not when the thread stopped, at `now`: its latency is that at least.
  void record_not_begun(std::uint64_t intended, std::uint64_t now, const Window& window, bool clocked) {
    if (!window.contains(intended)) return;
    ++zaps_unfinished;
    if (clocked) zap_ns.record(Clock::to_whole_ns(now - intended));
  }
};

/// Counts the IPIs of flushes, and their time from the first request to the last acknowledgement.
template <class Clock>
class BasicIpiRecord final : public IpiObserver {
 public:
  BasicIpiRecord(const Window& window, LiveCounters::Ipis& counters) : window_(window), counters_(counters) {}
  void on_ipis(std::size_t sent, std::uint64_t ticks) override {
    counters_.total.fetch_add(sent, std::memory_order_relaxed);
    if (!window_.contains(Clock::now())) return;
    counters_.in_window.fetch_add(sent, std::memory_order_relaxed);
    counters_.ns.record(Clock::to_whole_ns(ticks));
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
