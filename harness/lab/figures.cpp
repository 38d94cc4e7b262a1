#include "harness/lab/figures.hpp"

#include <cstddef>

#include "harness/lab/figure_rows.hpp"

namespace shadowwalk::figure_rows {
namespace {

constexpr Figure kWindowFigures[] = {
    counter("duration_s", s, "window", kNone, neither, kEveryCell, "the measured window",
            cell_count<&CellMeasurement::duration_s>),
    counter("oversubscribed", flag, "oversubscribed", kNone, neither, kOnHosts,
            "1 when there are more busy threads than CPUs",
            [](const Measured& of) { return number(of.cell.noise.oversubscribed); }),
};

constexpr Figure kTouchFigures[] = {
    counter("touches_per_second", per_second, "touches", kNone, higher, kHostKvm,
            "loads and stores that the guests' programs made, all vCPUs",
            [](const Measured& of) {
              return of_touches(of, [](const Touches& touches) {
                return number(static_cast<double>(touches.count) / touches.seconds);
              });
            }),
    distribution("touch_ns", "touch", kFull, lower, kHostKvm, kP50 | kP99 | kP999, "all touches of memory",
                 touch_ns<&Touches::all>),
    distribution("guest_clock_read_ns", "guest clock read", kFull, neither, kHostKvm, kMedianAlone,
                 "one clock read in the guest, which every clocked touch contains: median of 1,000 per vCPU",
                 touch_ns<&Touches::clock_read>),
};

constexpr Figure kTouchKindFigures[] = {
    distribution("touch_hit_ns", "hit", kFull, lower, kHostKvm, kP50 | kP99,
                 "touches of a page that the vCPU had touched since the last beat that concerned the page",
                 touch_ns<&Touches::hit>),
    distribution("touch_first_ns", "first", kFull, lower, kHostKvm, kP50 | kP99,
                 "the vCPU's first touch of the page since such a beat (for dirty logging, its first store), or ever",
                 touch_ns<&Touches::first>),
    distribution("touch_unclear_ns", "unclear", kFull, lower, kHostKvm, kP50 | kP99,
                 "touches made while a beat was at work, and the next touch of the same page",
                 touch_ns<&Touches::unclear>),
    distribution("touch_device_ns", "MMIO", kFull, lower, kHostKvm, kP50 | kP99,
                 "MMIO: the exit to user space and back", touch_ns<&Touches::device>),
    counter("touches_lost_slot", count, "lost slot", kNone, neither, kHostKvm,
            "touches that user space served because the memory slot was deleted and not yet added again",
            [](const Measured& of) {
              return of_touches(of, [](const Touches& touches) { return number(touches.lost_slot); });
            }),
};

constexpr Figure kWalkFigures[] = {
    counter(
        "walks_per_second", per_second, "walks", kNone, higher, kOfTheLab,
        "completed walks of all vCPUs over the measured window, in which they also exit, fault and do the guest's own "
        "work",
        walks_per_second),
    counter("walk_ns_mean", ns, "walk mean", kLight, lower, kOfTheLab,
            "whole bursts over their walks; faults and lock waits are clocked separately and subtracted; absent at "
            "walks-per-exit 1",
            walk_ns_mean),
    with_a_clock_read(
        distribution("walk_ns", "walk", kFull, lower, kOfTheLab, kP50 | kP99 | kP999,
                     "single walks, sampled; each contains one clock read",
                     [](const Measured& of) { return samples(of.cell.walk_ns, "no walk was sampled in the window"); })),
    counter("walks_restarted", count, "restarts", kNone, lower, kOfTheLab,
            "walks that the variant sent back to the root, in the cell's whole life",
            walk_count<&WalkCounts::restarts>),
};

constexpr Figure kSectionFigures[] = {
    with_a_clock_read(distribution(
        "section_ns", "read-side section", kFull, lower, kMeasured, kP50 | kP99,
        "from the return of begin() to the call of end(), sampled, one clock read in each: for how long a reader holds "
        "reclamation back",
        [](const Measured& of) { return samples(of.cell.section_ns, "no section was sampled in the window"); })),
    counter("sections_preempted", count, "preempted", kNone, neither, kMeasured,
            "involuntary context switches of the walkers: an upper bound on read-side sections that lost their CPU",
            [](const Measured& of) { return number(of.cell.noise.walker_switches); }),
};

constexpr Figure kLineFigures[] = {
    counter(
        "line_transfer_ns", ns, "line transfer", kLight, neither, kMeasured,
        "one transfer of a cache line between the two vCPUs' CPUs, measured right after the window; only with 2 pinned "
        "vCPUs and no zappers",
        [](const Measured& of) -> Reading {
          if (!of.cell.line_transfer) return Absent{of.cell.line_transfer_missing};
          return of.cell.line_transfer->median_ns;
        }),
    counter("line_transfers_per_walk", count, "lines per walk", kNone, lower, kSimulated,
            "cache lines that a walk moved between caches; of simulated cells only",
            [](const Measured& of) -> Reading {
              if (!of.line_transfers) return NotApplicable{};
              if (of.cell.walks == 0) return Absent{"no walk in the window"};
              return number(static_cast<double>(*of.line_transfers) / static_cast<double>(of.cell.walks));
            }),
};

constexpr Figure kFaultFigures[] = {
    distribution("fault_ns", "fault", kLight, lower, kOfTheLab, kP50 | kP99, "the fault path, lock wait included",
                 [](const Measured& of) { return samples(of.cell.fault_ns, "no fault in the window"); }),
};

constexpr Figure kExitFigures[] = {
    counter("exits", count, "exits", kNone, neither, kEveryCell, "guest exits of all vCPUs in the window",
            cell_count<&CellMeasurement::exits>),
    distribution(
        "exit_ns", "exit", kFull, lower, kMeasured, kP50 | kP99,
        "one exit's cycle: from entering the guest until it is left again, the guest's own work (a burst of accesses) "
        "included",
        [](const Measured& of) { return samples(of.cell.exit_ns, "no exit in the window"); }),
};

constexpr Figure kZapFigures[] = {
    counter("zaps_per_second", per_second, "zaps", kNone, higher, kEveryCell, "zaps that found something to zap",
            [](const Measured& of) { return of_zappers(of, static_cast<double>(of.cell.zaps) / of.cell.duration_s); }),
    counter("zaps_unfinished", count, "unfinished zaps", kNone, lower, kOnHosts,
            "zaps that were to start in the window and had not ended when it did; zap_ns has them with the time until "
            "they ended, or until the zapper stopped",
            [](const Measured& of) { return of_zappers(of, of.cell.zaps_unfinished); }),
    counter("zaps_empty", count, "empty zaps", kNone, neither, kEveryCell,
            "zaps in the window that found nothing; the latencies leave them out",
            [](const Measured& of) { return of_zappers(of, of.cell.zaps_empty); }),
    counter("dirty_pages", count, "dirty pages", kNone, neither, kHostKvm,
            "pages that the rounds of dirty logging in the window found",
            [](const Measured& of) {
              return of_touches(of, [](const Touches& touches) -> Reading {
                if (!touches.dirty_pages) return Absent{"the cell logs no dirty pages"};
                return number(*touches.dirty_pages);
              });
            }),
    growing(distribution("zap_ns", "zap", kLight, lower, kEveryCell, kP50 | kP99,
                         "from the zap's intended start (open loop: corrected for coordinated omission) to the return "
                         "of its commit, of zaps "
                         "that were to start in the window",
                         [](const Measured& of) { return of_zaps(of, of.cell.zap_ns); })),
    counter(kSaturated, flag, "saturated", kNone, neither, kEveryCell,
            "1 when less than 95 % of the requested zap rate was reached: then there is no verdict on latencies",
            saturated),
};

constexpr Figure kZapPartFigures[] = {
    distribution("zap_service_ns", "uncorrected zap", kLight, lower, kEveryCell, kP50 | kP99,
                 "from the zap's actual start in the window to the return of its commit: what a closed loop would have "
                 "reported",
                 [](const Measured& of) { return of_zaps(of, of.cell.zap_service_ns); }),
    distribution("prepare_zap_ns", "prepare_zap", kLight, lower, kOfTheLab, kP50 | kP99,
                 "from holding mmu_lock until the batch is ready to commit, without lock breaks",
                 [](const Measured& of) { return of_zaps(of, of.cell.mmu.zap_times.prepare_ns); }),
    distribution("commit_zap_ns", "commit_zap", kLight, lower, kOfTheLab, kP50 | kP99,
                 "the variant's commit(): flush, waiting, freeing or handing over",
                 [](const Measured& of) { return of_zaps(of, of.cell.mmu.zap_times.commit_ns); }),
};

constexpr Figure kMemoryFigures[] = {
    counter("pages_zapped", count, "pages zapped", kLight, neither, kOfTheLab, "shadow pages unlinked in the window",
            page_count<&Footprint::Result::unlinked>),
    counter("pages_freed", count, "pages freed", kLight, neither, kOfTheLab, "shadow pages freed in the window",
            page_count<&Footprint::Result::freed>),
    counter("pages_freed_total", count, "pages freed", kNone, neither, kOfTheLab,
            "shadow pages freed in the cell's whole life, drain included", page_count<&Footprint::Result::freed_total>),
    counter("retired_bytes_mean", bytes, "retired mean", kLight, lower, kOfTheLab,
            "unlinked and not yet freed, mean over time: exact",
            [](const Measured& of) { return pages_as_bytes(of.cell.mmu.footprint.retired.mean); }),
    counter("retired_bytes_peak", bytes, "retired peak", kLight, lower, kOfTheLab,
            "unlinked and not yet freed, greatest: exact",
            [](const Measured& of) { return pages_as_bytes(of.cell.mmu.footprint.retired.peak); }),
    counter("deferred_bytes_mean", bytes, "deferred mean", kLight, lower, kOfTheLab,
            "not free although the commit that retired it has returned, mean over time: exact; 0 where commit() itself "
            "frees, as irq-ipi's does",
            [](const Measured& of) { return pages_as_bytes(of.cell.mmu.footprint.deferred.mean); }),
    counter("deferred_bytes_peak", bytes, "deferred peak", kLight, lower, kOfTheLab,
            "not free although the commit that retired it has returned, greatest: exact",
            [](const Measured& of) { return pages_as_bytes(of.cell.mmu.footprint.deferred.peak); }),
    counter("deferred_bytes_predicted", bytes, "deferred by Little's law", kLight, neither, kOfTheLab,
            "deferred pages per second x (mean grace period + half of --rcu-interval): what deferred_bytes_mean should "
            "be near, if each page waits for one grace period",
            deferred_by_littles_law),
    counter("shadow_bytes_mean", bytes, "shadow mean", kLight, lower, kOfTheLab,
            "shadow pages allocated and not freed, mean over time: exact",
            [](const Measured& of) { return pages_as_bytes(of.cell.mmu.footprint.shadow.mean); }),
    counter("shadow_bytes_peak", bytes, "shadow peak", kLight, lower, kOfTheLab,
            "shadow pages allocated and not freed, greatest: exact",
            [](const Measured& of) { return pages_as_bytes(of.cell.mmu.footprint.shadow.peak); }),
    counter("rss_bytes", bytes, "RSS", kNone, lower, kOnHosts,
            "resident memory of the process at the end of the window, the lab itself included",
            [](const Measured& of) -> Reading {
              if (of.cell.host.rss_bytes.after == 0) return Absent{"/proc/self/statm does not report it"};
              return number(of.cell.host.rss_bytes.after);
            }),
};

constexpr Figure kFreeFigures[] = {
    growing(
        distribution("free_ns", "free", kLight, lower, kOfTheLab, kP50 | kP99 | kMax,
                     "from unlink to free, for pages unlinked in the window",
                     [](const Measured& of) { return samples(of.cell.mmu.footprint.free_ns, why_none_freed(of)); })),
    counter(
        "commits_deferred", count, "deferred commits", kLight, neither, kOfTheLab,
        "commits in the window, of zaps and faults, that returned before each page of their batch was free: 0 where "
        "commit() itself waits and frees, as irq-ipi's does",
        [](const Measured& of) { return number(of.cell.mmu.zap_times.commits_deferred); }),
    growing(distribution(
        "deferred_free_ns", "deferred free", kLight, lower, kOfTheLab, kP50 | kP99 | kMax,
        "from unlink to free, for pages unlinked in the window that were not free when their commit "
        "returned",
        [](const Measured& of) { return samples(of.cell.mmu.footprint.deferred_free_ns, why_none_deferred(of)); })),
    counter("pages_deferred", count, "deferred pages", kLight, neither, kOfTheLab,
            "pages that were not yet free when their commit in the window returned",
            [](const Measured& of) { return number(of.cell.mmu.zap_times.pages_deferred); }),
};

constexpr Figure kRcuFigures[] = {
    distribution("grace_period_ns", "grace period", kLight, neither, kOfTheLab, kP50 | kP99,
                 "RCU grace periods that began in the window, from the start of the reclaimer's wait to its end",
                 grace_period_ns),
    counter(
        "reclaimer_shares_cpu", flag, "reclaimer shares a CPU", kNone, neither, kMeasured,
        "1 when the thread that runs RCU callbacks has the CPU of a zapper, or of a vCPU while there are callbacks: "
        "it may wait for that CPU; the zapper then yields between zaps",
        [](const Measured& of) -> Reading {
          if (!of.cell.reclaimer_shares_cpu) return NotApplicable{};
          return number(*of.cell.reclaimer_shares_cpu);
        }),
};

constexpr Figure kLockFigures[] = {
    distribution(
        "mmu_lock_hold_ns", "lock hold", kLight, lower, kOfTheLab, kP99,
        "mmu_lock held by zaps, commit included: what the scheme makes others wait for (a fault's own hold would hide "
        "it)",
        [](const Measured& of) { return samples(of.cell.mmu.lock_hold_ns, "no zap took mmu_lock in the window"); }),
    distribution(
        "mmu_lock_wait_ns", "lock wait", kLight, lower, kOfTheLab, kP99, "waits of zaps and faults for mmu_lock",
        [](const Measured& of) { return samples(of.cell.mmu.lock_wait_ns, "mmu_lock was not taken in the window"); }),
    counter(
        "lock_waits_for_cpus", flag, "lock waits for CPUs", kLight, neither, kMeasured,
        "1 when there are more busy threads than CPUs and waits for the ticket lock last for time slices (p99 of 1 ms "
        "and more): the next in its queue has no CPU, and --mmu-lock mutex has no queue",
        [](const Measured& of) { return number(lock_waits_for_cpus(of)); }),
};

constexpr Figure kIpiFigures[] = {
    counter("ipis", count, "IPIs", kLight, lower, kOfTheLab, "IPIs sent by flushes in the window",
            cell_count<&CellMeasurement::ipis>),
    counter("ipis_total", count, "IPIs", kLight, lower, kOfTheLab,
            "IPIs sent by flushes in the cell's whole life; without those that end the vCPUs",
            cell_count<&CellMeasurement::ipis_total>),
    distribution(
        "ipi_ns", "IPI", kLight, lower, kOfTheLab, kP50 | kP99, "from a flush's first IPI to the last acknowledgement",
        [](const Measured& of) { return samples(of.cell.ipi_ns, "no flush had to interrupt a vCPU in the window"); }),
};

// Their counters in `_total` are what a workload's file can require.
constexpr Figure kWorkloadFigures[] = {
    event("zaps_total", "zaps", "zaps that found something, in the cell's whole life, like all counters in _total",
          cell_count<&CellMeasurement::zaps_total>),
    event("made_writable_total", "made writable", "leaves that walkers made writable without mmu_lock",
          walk_count<&WalkCounts::made_writable>),
    event("leaves_write_protected_total", "write-protected", "dirty pages that dirty logging found and write-protected",
          host_count<&HostActionCounts::leaves_write_protected>),
    event("dirty_rounds_total", "rounds", "complete rounds of dirty logging over the guest's memory",
          host_count<&HostActionCounts::dirty_rounds>),
    counter("dirty_pages_last_round", count, "dirty, last round", kNone, neither, kOfTheLab,
            "dirty pages that the last complete round found",
            [](const Measured& of) -> Reading {
              if (of.cell.mmu.host_actions.dirty_rounds == 0) return Absent{"no round of dirty logging was completed"};
              return number(of.cell.mmu.host_actions.dirty_pages_last_round);
            }),
    event("leaves_zapped_total", "leaves zapped", "leaves cleared by invalidations",
          host_count<&HostActionCounts::leaves_zapped>),
    event("page_table_writes_total", "page-table writes", "guest writes to page tables that had a shadow",
          walk_count<&WalkCounts::page_table_writes>),
    event("flood_zaps_total", "flood zaps", "guest writes to page tables that zapped a whole shadow",
          walk_count<&WalkCounts::flood_zaps>),
    event("quota_zaps_total", "quota zaps", "faults that recycled pages for the quota",
          walk_count<&WalkCounts::quota_zaps>),
    event("walker_stalls_total", "stalls", "stalls inside walks, requested by --read-delay or the workload",
          walk_count<&WalkCounts::stalls>),
    event("shrinks_total", "shrinks", "shrinks, those that were given up included",
          host_count<&HostActionCounts::shrinks>),
    counter("shrinks_unfinished_total", count, "given up", kNone, lower, kOfTheLab,
            "shrinks that were given up: some page was not free after 100 ms, or when the cell ended",
            host_count<&HostActionCounts::shrinks_unfinished>),
    distribution("shrink_ns", "shrink", kLight, lower, kOfTheLab, kP50 | kP99,
                 "from a shrink's request until its last page was free",
                 [](const Measured& of) {
                   const HostActionCounts& host = of.cell.mmu.host_actions;
                   return samples(host.shrink_ns, host.shrinks == 0
                                                      ? "the workload does not shrink"
                                                      : "no shrink that began in the window had all its pages freed");
                 }),
};

constexpr Figure kReplayFigures[] = {
    counter("replay_events", count, "events", kNone, neither, kMeasured,
            "events of the trace, accesses and zaps, that began in the window",
            replayed<&replay::ReplayCounts::events>),
    counter("replay_events_per_second", per_second, "events", kNone, higher, kMeasured,
            "events of the trace that began in the window, over the window",
            [](const Measured& of) {
              return of_replay(of, [&](const auto& replay) {
                return number(static_cast<double>(replay.counts.events) / of.cell.duration_s);
              });
            }),
    counter("replay_events_total", count, "events", kNone, neither, kMeasured,
            "events of the trace that were done in the cell's whole life",
            replayed<&replay::ReplayCounts::events_total>),
    counter("replay_passes_total", count, "passes", kNone, neither, kMeasured,
            "how often the threads did the whole trace", replay_count<&ReplayMeasurement::passes>),
    counter("replay_skipped_total", count, "skipped", kNone, neither, kMeasured,
            "events of the trace that are neither walk nor zap, or whose effect other events are",
            replay_count<&ReplayMeasurement::skipped>),
    counter("replay_covered_zaps_total", count, "covered", kNone, neither, kMeasured,
            "zaps that an earlier one of the trace, of everything or of a page above, had already done",
            replay_count<&ReplayMeasurement::covered_zaps>),
    counter("replay_late", count, "late", kNone, lower, kMeasured,
            "events in the window that began more than 1 ms after they were due; absent in a closed loop, like the lag",
            [](const Measured& of) {
              return of_open_replay(of, [](const auto& replay) { return number(replay.counts.late); });
            }),
    distribution("replay_lag_ns", "lag", kLight, lower, kMeasured, kP50 | kP99 | kMax,
                 "from when an event was due until it began; for an access, until its burst of walks began",
                 [](const Measured& of) {
                   return of_open_replay(
                       of, [](const auto& replay) { return samples(replay.counts.lag_ns, "no event in the window"); });
                 }),
};

constexpr Figure kCheckFigures[] = {
    counter("violations", count, "violations", kNone, lower, kOfTheLab,
            "walk results that were used although they came from a freed page", walk_count<&WalkCounts::violations>),
};
constexpr FigureTopic kTopics[] = {
    {"window", kWindowFigures},
    {"touches", kTouchFigures},
    {"of those", kTouchKindFigures},
    {"walks", kWalkFigures},
    {"sections", kSectionFigures},
    {"line", kLineFigures},
    {"faults", kFaultFigures},
    {"exits", kExitFigures},
    {"zaps", kZapFigures},
    {"of a zap", kZapPartFigures},
    {"memory", kMemoryFigures},
    {"free", kFreeFigures},
    {"RCU", kRcuFigures},
    {"mmu_lock", kLockFigures},
    {"IPIs", kIpiFigures},
    {kWorkloadTopic, kWorkloadFigures},
    {"replay", kReplayFigures},
    {"checks", kCheckFigures},
};

constexpr bool names_are_unique() {
  for (const FigureTopic& topic : kTopics) {
    for (const Figure& figure : topic.figures) {
      std::size_t same = 0;
      for (const FigureTopic& other : kTopics) {
        for (const Figure& candidate : other.figures) same += candidate.name == figure.name ? 1 : 0;
      }
      if (same != 1) return false;
    }
  }
  return true;
}
static_assert(names_are_unique(), "two figures have the same name");

constexpr EventFigure kEventFigures[] = {
    {"walkers", "_per_walk", "per walk", &CellMeasurement::walks, "no walk in the window",
     "with --events: the walkers' count over their walks; with scope thread, an upper bound"},
    {"zappers", "_per_zap", "per zap", &CellMeasurement::zaps, "no zap found a page in the window",
     "with --events: the zappers' count over their zaps; with scope thread, an upper bound"},
};

}  // namespace
}  // namespace shadowwalk::figure_rows

namespace shadowwalk {

std::span<const FigureTopic> figure_topics() { return figure_rows::kTopics; }
std::span<const EventFigure> event_figures() { return figure_rows::kEventFigures; }

}  // namespace shadowwalk
