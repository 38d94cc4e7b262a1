#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "harness/lab/cell_records.hpp"
#include "harness/lab/figures.hpp"
#include "harness/mmu/geometry.hpp"

/// What the rows of figures.cpp are made of: short names, what a value is read from and why there is none, and one
/// function per kind of row.
namespace shadowwalk::figure_rows {

using enum Unit;
using enum Better;
inline constexpr Instrumentation kNone = Instrumentation::none;
inline constexpr Instrumentation kLight = Instrumentation::light;
inline constexpr Instrumentation kFull = Instrumentation::full;
static_assert(kNone < kLight && kLight < kFull, "a figure is taken at its level and at those after it");

inline constexpr CellKinds kMeasured = only(CellKind::measured);
inline constexpr CellKinds kHostKvm = only(CellKind::host_kvm);
inline constexpr CellKinds kSimulated = only(CellKind::simulated);
inline constexpr CellKinds kOnHosts = kMeasured | kHostKvm;
inline constexpr CellKinds kOfTheLab = kMeasured | kSimulated;
inline constexpr CellKinds kEveryCell = kOnHosts | kSimulated;

inline constexpr unsigned kP50 = 1, kP99 = 2, kP999 = 4, kMax = 8, kMedianAlone = 16;
static_assert(kMedianAlone == 1U << (kQuantiles.size() - 1), "one bit per quantile, in order");

Reading number(auto value) { return static_cast<double>(value); }
Reading pages_as_bytes(auto pages) { return static_cast<double>(pages) * kPageBytes; }
inline Reading samples(const Histogram& histogram, std::string_view why_empty) {
  if (histogram.count() == 0) return Absent{std::string(why_empty)};
  return &histogram;
}

template <auto Member>
Reading cell_count(const Measured& of) {
  return number(of.cell.*Member);
}
template <auto Member>
Reading walk_count(const Measured& of) {
  return number(of.cell.counts.*Member);
}
template <auto Member>
Reading host_count(const Measured& of) {
  return number(of.cell.mmu.host_actions.*Member);
}

// Zaps

inline bool has_zappers(const Measured& of) {
  return of.config.zappers != 0 || of.cell.replay;
}  // a trace's vCPUs zap, too
inline constexpr std::string_view kNoZappers = "the cell has no zappers";

Reading of_zappers(const Measured& of, auto value) {
  if (!has_zappers(of)) return Absent{std::string(kNoZappers)};
  return number(value);
}
inline Reading of_zaps(const Measured& of, const Histogram& histogram) {
  return samples(histogram, has_zappers(of) ? "no zap found a page in the window" : kNoZappers);
}

inline Reading saturated(const Measured& of) {
  constexpr double kSaturatedBelow = 0.95;
  if (!has_zappers(of)) return Absent{std::string(kNoZappers)};
  if (of.cell.replay) return Absent{"a trace asks for no rate: replay_lag_ns says how late its events are"};
  const auto beats = static_cast<double>(of.cell.zaps + of.cell.zaps_empty);
  return number(beats < kSaturatedBelow * of.config.zap_rate * of.cell.duration_s);
}

// mmu_lock

/// A ticket lock passes to the next in its queue, which may have no CPU: then all wait for the scheduler.
inline bool lock_waits_for_cpus(const Measured& of) {
  constexpr std::uint64_t kTimeSliceNs = 1'000'000;
  return of.config.mmu_lock == MmuLockKind::ticket && of.cell.noise.oversubscribed &&
         of.cell.mmu.lock_wait_ns.count() != 0 && of.cell.mmu.lock_wait_ns.quantile(0.99) >= kTimeSliceNs;
}

// Walks

inline Absent no_burst(const Measured& of) {
  return {fmt::format("no burst of walks began and ended in the window; give {}",
                      lock_waits_for_cpus(of) ? "--mmu-lock mutex, or fewer --vcpus than there are CPUs"
                                              : "a smaller --walks-per-exit or a longer --duration")};
}

inline Reading walks_per_second(const Measured& of) {
  if (of.cell.walks == 0) return no_burst(of);
  return number(static_cast<double>(of.cell.walks) / of.cell.duration_s);
}

inline Reading walk_ns_mean(const Measured& of) {
  const CellMeasurement& cell = of.cell;
  if (cell.walks == 0) return no_burst(of);
  const auto walks = static_cast<double>(cell.walks);
  if (cell.replay && cell.walks < WalkRecord::kAlwaysSampledBurst * cell.exits) {
    return Absent{
        fmt::format("{:.1f} accesses per exit: the clock would dominate; real_time is the window over the walks "
                    "of one vCPU",
                    walks / static_cast<double>(cell.exits))};
  }
  if (of.config.walks_per_exit == 1) {
    return Absent{"walks-per-exit 1: the clock would dominate; real_time is the window over the walks of one vCPU"};
  }
  return cell.walk_ns_total / walks;
}

// Memory

template <auto Member>
Reading page_count(const Measured& of) {
  return number(of.cell.mmu.footprint.*Member);
}
inline std::string_view why_none_freed(const Measured& of) {
  return of.cell.mmu.footprint.unlinked == 0 ? "no page was unlinked in the window"
                                             : "every page unlinked in the window was freed by the drain only";
}

inline std::string_view why_none_deferred(const Measured& of) {
  return of.cell.mmu.footprint.unlinked == 0 ? "no page was unlinked in the window"
                                             : "no page that was freed outlived its commit: nothing was deferred";
}

/// L = lambda W, W being a grace period that begins at once, or on average half an interval later.
inline Reading deferred_by_littles_law(const Measured& of) {
  if (!of.cell.grace_period_times) return Absent{std::string(kNoGracePeriods)};
  const Histogram& grace_periods = of.cell.grace_period_times->ns;
  if (grace_periods.count() == 0) return Absent{"no grace period began in the window"};
  const double wait_ns = static_cast<double>(grace_periods.sum()) / static_cast<double>(grace_periods.count()) +
                         static_cast<double>(of.config.rcu_interval.time.count()) / 2;
  return pages_as_bytes(static_cast<double>(of.cell.mmu.zap_times.pages_deferred) / (of.cell.duration_s * 1e9) *
                        wait_ns);
}

inline Reading grace_period_ns(const Measured& of) {
  if (!of.cell.grace_period_times) return Absent{std::string(kNoGracePeriods)};
  return samples(of.cell.grace_period_times->ns, "no grace period began in the window");
}

// Replay

template <class Read>
Reading of_replay(const Measured& of, Read read) {
  if (!of.cell.replay) return NotApplicable{};
  return read(*of.cell.replay);
}
template <auto Member>
Reading replay_count(const Measured& of) {
  return of_replay(of, [](const ReplayMeasurement& replay) { return number(replay.*Member); });
}
template <auto Member>
Reading replayed(const Measured& of) {
  return of_replay(of, [](const ReplayMeasurement& replay) { return number(replay.counts.*Member); });
}
/// What a closed loop does not have, since none of its events has a time at which it is due.
template <class Read>
Reading of_open_replay(const Measured& of, Read read) {
  return of_replay(of, [&](const ReplayMeasurement& replay) -> Reading {
    if (replay.pace.closed_loop) return Absent{"--closed-loop: no event has a time at which it is due"};
    return read(replay);
  });
}

// Touches

template <class Read>
Reading of_touches(const Measured& of, Read read) {
  if (of.touches == nullptr) return NotApplicable{};
  return read(*of.touches);
}
template <Touches::Kind Touches::*Kind>
Reading touch_ns(const Measured& of) {
  return of_touches(of, [](const Touches& touches) { return samples((touches.*Kind).ns, (touches.*Kind).why_empty); });
}

using Read = Reading (*)(const Measured&);
using Text = std::string_view;

constexpr Figure counter(Text name, Unit unit, Text title, Instrumentation level, Better better, CellKinds cells,
                         Text meaning, Read read) {
  return {name, unit, title, level, better, cells, 0, false, read, meaning};
}
/// Of a workload, in the cell's whole life.
constexpr Figure event(Text name, Text title, Text meaning, Read read) {
  return counter(name, count, title, kNone, neither, kOfTheLab, meaning, read);
}
constexpr Figure distribution(Text name, Text title, Instrumentation level, Better better, CellKinds cells,
                              unsigned quantiles, Text meaning, Read read) {
  return {name, ns, title, level, better, cells, quantiles, false, read, meaning};
}
constexpr Figure growing(Figure figure) {
  figure.grows_with_run = true;
  return figure;
}
constexpr Figure with_a_clock_read(Figure figure) {
  figure.has_clock_read = true;
  return figure;
}

}  // namespace shadowwalk::figure_rows
