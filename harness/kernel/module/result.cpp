// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/kernel/module/result.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace shadowwalk::kernel {
namespace {

template <class AnyHistogram>
void add_any(shadowwalk_histogram& to, const AnyHistogram& from) {
  std::uint64_t added = 0;
  for (std::size_t i = 0; i < SHADOWWALK_HISTOGRAM_BUCKETS; ++i) {
    const std::uint64_t count = from.count_in(i);
    to.buckets[i] += count;
    added += count;
  }
  if (added == 0) return;
  to.min = to.count == 0 ? from.min() : std::min(to.min, from.min());
  to.max = std::max(to.max, from.max());
  to.sum += from.sum();
  to.count += added;
}

std::uint64_t load(const FootprintCounters::Counter& counter) { return counter.load(std::memory_order_relaxed); }

void add_arrivals(shadowwalk_arrivals& to, const FootprintCounters::Arrivals& from) {
  to.total = load(from.total);
  to.before = load(from.before);
  to.ticks_sum = load(from.ticks_sum);
  to.peak = load(from.peak);
  for (std::size_t i = 0; i < SHADOWWALK_INTERVALS; ++i) {
    to.count[i] = load(from.count[i]);
    to.interval_peak[i] = load(from.interval_peak[i]);
  }
}

void add_departures(shadowwalk_departures& to, const FootprintCounters::Departures& from) {
  to.total += load(from.total);
  to.before += load(from.before);
  to.ticks_sum += load(from.ticks_sum);
  for (std::size_t i = 0; i < SHADOWWALK_INTERVALS; ++i) to.count[i] += load(from.count[i]);
  add(to.free_ns, from.free_ns);
}

}  // namespace

void add(shadowwalk_histogram& to, const Histogram& from) { add_any(to, from); }
void add(shadowwalk_histogram& to, const ConcurrentHistogram& from) { add_any(to, from); }

void add_vcpu(shadowwalk_result& to, const VcpuThread& from) {
  to.walks += from.record.walks;
  to.walk_ns_total += KernelMachine::to_whole_ns(from.record.walk_ticks);
  to.faults += from.record.faults;
  to.walks_total += from.record.walks_total;
  to.faults_total += from.record.faults_total;
  to.exits += from.exits;
  to.restarts += from.counts.restarts;
  to.violations += from.counts.violations;
  to.made_writable += from.counts.made_writable;
  to.stalls += from.counts.stalls;
  to.quota_zaps += from.counts.quota_zaps;
  to.page_table_writes += from.counts.page_table_writes;
  to.flood_zaps += from.counts.flood_zaps;
  if (to.first_violation[0] == '\0') {
    const std::string_view violation = from.first_violation.view();
    std::memcpy(to.first_violation, violation.data(), std::min(violation.size(), sizeof(to.first_violation) - 1));
  }
  add(to.walk_ns, from.record.walk_ns);
  add(to.section_ns, from.record.section_ns);
  add(to.fault_ns, from.record.fault_ns);
  add(to.exit_ns, from.exit_ns);
  to.vcpu_preemptions += from.thread.preemptions();
  to.vcpu_off_cpu_ns = std::max(to.vcpu_off_cpu_ns, from.thread.off_cpu_ns());
  if (from.thread.counters != nullptr) swk_counters_add(from.thread.counters.get(), to.vcpu_events);
}

void add_zapper(shadowwalk_result& to, const ZapperThread& from) {
  to.zaps += from.zaps.zaps;
  to.zaps_empty += from.zaps.zaps_empty;
  to.zaps_total += from.zaps.zaps_total;
  to.zaps_empty_total += from.zaps.zaps_empty_total;
  to.zaps_unfinished += from.zaps.zaps_unfinished;
  add(to.zap_ns, from.zaps.zap_ns);
  add(to.zap_service_ns, from.zaps.zap_service_ns);
  to.zapper_preemptions += from.thread.preemptions();
  if (from.thread.counters != nullptr) swk_counters_add(from.thread.counters.get(), to.zapper_events);
}

void add_records(shadowwalk_result& to, const MmuRecords& from) {
  to.leaves_zapped = from.host_actions.leaves_zapped;
  to.leaves_write_protected = from.host_actions.leaves_write_protected;
  to.dirty_rounds = from.host_actions.dirty_rounds;
  to.dirty_pages_last_round = from.host_actions.dirty_pages_last_round;
  to.shrinks = from.host_actions.shrinks;
  to.shrinks_unfinished = from.host_actions.shrinks_unfinished;
  add(to.shrink_ns, from.host_actions.shrink_ns);
  to.commits_deferred = from.zap_times.commits_deferred;
  to.pages_deferred = from.zap_times.pages_deferred;
  add(to.prepare_ns, from.zap_times.prepare_ns);
  add(to.commit_ns, from.zap_times.commit_ns);
  add(to.lock_wait_ns, from.lock_wait_ns);
  add(to.lock_hold_ns, from.lock_hold_ns);
  const FootprintCounters& pages = from.footprint.counters();
  add_arrivals(to.footprint.allocated, pages.allocated);
  add_arrivals(to.footprint.unlinked, pages.unlinked);
  add_arrivals(to.footprint.deferred, pages.deferred);
  for (const FootprintCounters::Freer& freer : pages.freers) {
    add_departures(to.footprint.freed, freer.freed);
    add_departures(to.footprint.freed_deferred, freer.deferred);
    to.footprint.freed_by_drain += load(freer.by_drain);
  }
}

void add_grace_periods(shadowwalk_grace_periods& to, const GracePeriodRecord::Counts& from) {
  add(to.ns, from.ns);
  to.touched = from.touched;
  std::copy(from.began.begin(), from.began.end(), to.began);
  std::transform(from.under_way.begin(), from.under_way.end(), to.under_way_ns, KernelMachine::to_whole_ns);
  if (from.touched > GracePeriodRecord::kMostKept) return;
  for (std::size_t i = 0; i < from.touched; ++i) {
    to.each_began_ns[i] = from.each_ns[i].first;
    to.each_ended_ns[i] = from.each_ns[i].second;
  }
}

}  // namespace shadowwalk::kernel
