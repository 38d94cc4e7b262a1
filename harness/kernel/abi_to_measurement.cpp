#include "harness/kernel/abi_to_measurement.hpp"

#include <fmt/format.h>

#include <memory>

#include "harness/kernel/device.hpp"
#include "harness/lab/cell_driver.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kernel {
namespace {

static_assert(SHADOWWALK_HISTOGRAM_BUCKETS == HistogramScale::kBuckets);
static_assert(SHADOWWALK_INTERVALS == FootprintCounters::kIntervals);

Histogram histogram(const shadowwalk_histogram& from) {
  Histogram to;
  to.add(from.buckets, from.sum, from.min, from.max);
  if (to.count() != from.count) throw CellError("--machine kernel: a histogram of the module does not add up");
  return to;
}

void store(FootprintCounters::Counter& to, std::uint64_t from) { to.store(from, std::memory_order_relaxed); }

void store(FootprintCounters::Arrivals& to, const shadowwalk_arrivals& from) {
  store(to.total, from.total);
  store(to.before, from.before);
  store(to.ticks_sum, from.ticks_sum);
  store(to.peak, from.peak);
  for (std::size_t i = 0; i < SHADOWWALK_INTERVALS; ++i) {
    store(to.count[i], from.count[i]);
    store(to.interval_peak[i], from.interval_peak[i]);
  }
}

void store(FootprintCounters::Departures& to, const shadowwalk_departures& from) {
  store(to.total, from.total);
  store(to.before, from.before);
  store(to.ticks_sum, from.ticks_sum);
  for (std::size_t i = 0; i < SHADOWWALK_INTERVALS; ++i) store(to.count[i], from.count[i]);
}

Footprint::Result footprint(const shadowwalk_footprint& from, std::uint64_t window_ticks) {
  const auto counters = std::make_unique<FootprintCounters>();
  store(counters->allocated, from.allocated);
  store(counters->unlinked, from.unlinked);
  store(counters->deferred, from.deferred);
  FootprintCounters::Freer& freer = counters->freers.front();
  store(freer.freed, from.freed);
  store(freer.deferred, from.freed_deferred);
  store(freer.by_drain, from.freed_by_drain);
  Footprint::Result result = Footprint::result_of(*counters, window_ticks);
  result.free_ns = histogram(from.freed.free_ns);
  result.deferred_free_ns = histogram(from.freed_deferred.free_ns);
  return result;
}

GracePeriodRecord::Result grace_periods(const shadowwalk_grace_periods& from) {
  GracePeriodRecord::Result result;
  result.ns = histogram(from.ns);
  result.touched = from.touched;
  result.began.assign(std::begin(from.began), std::end(from.began));
  result.under_way_ns.assign(std::begin(from.under_way_ns), std::end(from.under_way_ns));
  if (from.touched > GracePeriodRecord::kMostKept) return result;
  for (std::size_t i = 0; i < from.touched; ++i) {
    result.each.emplace_back(static_cast<double>(from.each_began_ns[i]), static_cast<double>(from.each_ended_ns[i]));
  }
  return result;
}

void set_walks(CellMeasurement& to, const shadowwalk_result& from) {
  to.walks = from.walks;
  to.walk_ns_total = static_cast<double>(from.walk_ns_total);
  to.walk_ns = histogram(from.walk_ns);
  to.section_ns = histogram(from.section_ns);
  to.fault_ns = histogram(from.fault_ns);
  to.exits = from.exits;
  to.exit_ns = histogram(from.exit_ns);
  to.counts = {.restarts = from.restarts,
               .violations = from.violations,
               .made_writable = from.made_writable,
               .stalls = from.stalls,
               .quota_zaps = from.quota_zaps,
               .page_table_writes = from.page_table_writes,
               .flood_zaps = from.flood_zaps};
  to.first_violation = text_of(from.first_violation);
}

void set_zaps(CellMeasurement& to, const shadowwalk_result& from) {
  to.zaps = from.zaps;
  to.zaps_empty = from.zaps_empty;
  to.zaps_total = from.zaps_total;
  to.zaps_unfinished = from.zaps_unfinished;
  to.zap_ns = histogram(from.zap_ns);
  to.zap_service_ns = histogram(from.zap_service_ns);
}

MmuMeasurement mmu(const shadowwalk_result& from) {
  MmuMeasurement to;
  to.host_actions = {.leaves_zapped = from.leaves_zapped,
                     .leaves_write_protected = from.leaves_write_protected,
                     .dirty_rounds = from.dirty_rounds,
                     .dirty_pages_last_round = from.dirty_pages_last_round,
                     .shrinks = from.shrinks,
                     .shrinks_unfinished = from.shrinks_unfinished,
                     .shrink_ns = histogram(from.shrink_ns)};
  to.zap_times = {.prepare_ns = histogram(from.prepare_ns),
                  .commit_ns = histogram(from.commit_ns),
                  .commits_deferred = from.commits_deferred,
                  .pages_deferred = from.pages_deferred};
  to.lock_wait_ns = histogram(from.lock_wait_ns);
  to.lock_hold_ns = histogram(from.lock_hold_ns);
  to.footprint = footprint(from.footprint, from.window_ticks);
  return to;
}

bool sleeps(const PreparedCell& cell) {
  const auto& phases = cell.workload.phases;
  return cell.workload.active_vcpus != 0 || cell.vcpus_share_cpus() ||
         std::ranges::any_of(phases, [](const PhaseShape& phase) { return phase.idle.count() != 0; });
}

std::map<std::string, unsigned> placement(const PreparedCell& cell, const shadowwalk_request& request) {
  std::map<std::string, unsigned> cpus;
  for (unsigned i = 0; i < cell.config.vcpus; ++i) cpus[fmt::format("vcpu-{}", i)] = request.cpu_of_vcpu[i];
  for (unsigned i = 0; i < cell.config.zappers; ++i) {
    if (request.cpu_of_zapper[i] == SHADOWWALK_ANY_CPU) continue;
    cpus[fmt::format("zapper-{}", i)] = request.cpu_of_zapper[i];
  }
  return cpus;
}

}  // namespace

CellMeasurement to_measurement(const PreparedCell& cell, const shadowwalk_request& request,
                               const shadowwalk_result& result) {
  CellMeasurement to = begin_measurement(cell);
  to.duration_s = to.noise.duration_s = static_cast<double>(result.duration_ns) / 1e9;
  set_walks(to, result);
  set_zaps(to, result);
  to.mmu = mmu(result);
  to.ipis = result.ipis;
  to.ipis_total = result.ipis_total;
  to.ipi_ns = histogram(result.ipi_ns);
  to.interval_ns = static_cast<double>(result.duration_ns) / SHADOWWALK_INTERVALS;
  to.grace_periods = result.grace_periods.seen;
  const bool is_clocked = cell.config.instrumentation != Instrumentation::none;
  if (result.grace_periods.seen != 0 && is_clocked) to.grace_period_times = grace_periods(result.grace_periods);
  to.noise.walker_switches = result.vcpu_preemptions;
  to.noise.zapper_switches = result.zapper_preemptions;
  if (!sleeps(cell)) to.noise.walkers_off_cpu_ns = static_cast<double>(result.vcpu_off_cpu_ns);
  to.line_transfer_missing = "not measured between kernel threads";
  to.placement = placement(cell, request);
  return to;
}

}  // namespace shadowwalk::kernel
