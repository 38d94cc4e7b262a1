#include "harness/kernel/cell_abi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>

#include "harness/kernel/device.hpp"
#include "harness/lab/cell_driver.hpp"
#include "harness/lab/cell_request.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/pmu/perf_kernel.hpp"

namespace shadowwalk::kernel {
namespace {

// The guest's parameters are the same bytes on both sides.
static_assert(sizeof(shadowwalk_guest) == sizeof(GuestParams) && sizeof(shadowwalk_stream) == sizeof(AccessStream));
static_assert(sizeof(shadowwalk_phase) == sizeof(AccessPhase) && sizeof(shadowwalk_zipf) == sizeof(ZipfTable));
static_assert(SHADOWWALK_MAX_PHASES == GuestParams::kMaxPhases && SHADOWWALK_MAX_STREAMS == AccessPhase::kMaxStreams);
static_assert(SHADOWWALK_ZIPF_BUCKETS == ZipfTable::kMaxBuckets);
static_assert(offsetof(shadowwalk_guest, phases) == offsetof(GuestParams, phases));
static_assert(offsetof(shadowwalk_guest, zipf) == offsetof(GuestParams, zipf));
static_assert(offsetof(shadowwalk_stream, touches) == offsetof(AccessStream, touches));

// Enumerations have the same values on both sides; the module says so of host actions.
static_assert(static_cast<std::uint32_t>(MmuLockKind::ticket) == SHADOWWALK_LOCK_TICKET &&
              static_cast<std::uint32_t>(MmuLockKind::mutex) == SHADOWWALK_LOCK_MUTEX &&
              static_cast<std::uint32_t>(MmuLockKind::rwlock) == SHADOWWALK_LOCK_RWLOCK);
static_assert(static_cast<std::uint32_t>(Instrumentation::none) == SHADOWWALK_INSTRUMENTATION_NONE &&
              static_cast<std::uint32_t>(Instrumentation::light) == SHADOWWALK_INSTRUMENTATION_LIGHT &&
              static_cast<std::uint32_t>(Instrumentation::full) == SHADOWWALK_INSTRUMENTATION_FULL);

shadowwalk_read_delay delay_of(const ReadDelay& delay) {
  if (!delay.on()) return {};
  constexpr double kNsPerUs = 1000;
  return {.one_in = delay.one_in,
          .stall_ns = static_cast<std::uint64_t>(std::llround(delay.stall_us * kNsPerUs)),
          .every_ns = static_cast<std::uint64_t>(std::llround(delay.every_us * kNsPerUs))};
}

void set_actions(shadowwalk_request& request, const Workload& workload) {
  if (workload.host.size() > SHADOWWALK_MAX_ACTIONS) {
    throw InputError(fmt::format("--machine kernel: workload '{}' has {} host actions; the module takes {}",
                                 workload.name, workload.host.size(), SHADOWWALK_MAX_ACTIONS));
  }
  for (const HostAction& action : workload.host) {
    request.actions[request.action_count++] = {.kind = static_cast<std::uint32_t>(action.kind),
                                               .weight = action.weight,
                                               .level = static_cast<std::uint32_t>(action.level),
                                               .reserved = 0,
                                               .pages = action.pages};
  }
}

void set_events(shadowwalk_request& request, const PreparedCell& cell) {
  for (const pmu::EncodedEvent& event : cell.events.events) {
    if (request.event_count == SHADOWWALK_MAX_EVENTS) return;
    const perf_event_attr& attributes = event.attributes;
    const std::uint32_t exclude = (attributes.exclude_user != 0 ? SHADOWWALK_EXCLUDE_USER : 0) |
                                  (attributes.exclude_kernel != 0 ? SHADOWWALK_EXCLUDE_KERNEL : 0) |
                                  (attributes.exclude_hv != 0 ? SHADOWWALK_EXCLUDE_HV : 0) |
                                  (attributes.exclude_host != 0 ? SHADOWWALK_EXCLUDE_HOST : 0) |
                                  (attributes.exclude_guest != 0 ? SHADOWWALK_EXCLUDE_GUEST : 0);
    request.events[request.event_count++] = {.type = attributes.type,
                                             .exclude = exclude,
                                             .config = attributes.config,
                                             .config1 = attributes.config1,
                                             .config2 = attributes.config2};
  }
}

/// As many as are wanted, if they fit.
std::uint64_t pages_that_fit(const PreparedCell& cell) {
  const PoolPages pages = pool_pages(cell.config, cell.workload, cell.budget);
  // The module measures what is free a little later.
  const double most = 0.9 * static_cast<double>(cell.budget.capacity);
  const double smallest =
      SHADOWWALK_MIN_POOL_PAGES + SHADOWWALK_POOL_PAGES_PER_VCPU * static_cast<double>(cell.config.vcpus);
  return static_cast<std::uint64_t>(std::max(smallest, std::min(pages.wanted, most)));
}

std::uint16_t cpu_of(const std::optional<unsigned>& cpu) {
  return cpu ? static_cast<std::uint16_t>(*cpu) : static_cast<std::uint16_t>(SHADOWWALK_ANY_CPU);
}

}  // namespace

PoolPages pool_pages(const CellConfig& config, const Workload& workload, const PageBudget& budget) {
  constexpr double kLonger = 2;  // than its warm-up and window a cell may last
  const double seconds = kLonger * std::chrono::duration<double>(measuring_time(config)).count();
  const double retired =
      config.zappers == 0 ? 0 : config.zap_rate * seconds * pages_retired_per_beat(workload, config.working_set);
  const double least = SHADOWWALK_MIN_POOL_PAGES + SHADOWWALK_POOL_PAGES_PER_VCPU * static_cast<double>(config.vcpus) +
                       static_cast<double>(budget.pretouch);
  return {.least = least, .wanted = std::max(least, std::min<double>(least + retired, SHADOWWALK_MAX_POOL_PAGES))};
}

std::unique_ptr<shadowwalk_request> to_request(const PreparedCell& cell) {
  const CellConfig& config = cell.config;
  auto request = std::make_unique<shadowwalk_request>();
  request->abi_version = SHADOWWALK_ABI_VERSION;
  request->size = sizeof *request;
  if (config.variant.size() >= sizeof request->variant) {
    throw InputError(fmt::format("--machine kernel: the module has no variant '{}'", config.variant));
  }
  std::memcpy(request->variant, config.variant.data(), config.variant.size());
  request->vcpus = config.vcpus;
  request->zappers = config.zappers;
  request->zap_rate = config.zappers == 0 ? 0 : static_cast<std::uint64_t>(config.zap_rate);
  request->walks_per_exit = config.walks_per_exit;
  request->walk_mode = config.walk_mode == WalkMode::latency ? SHADOWWALK_WALK_LATENCY : SHADOWWALK_WALK_THROUGHPUT;
  request->mmu_lock = static_cast<std::uint32_t>(config.mmu_lock);
  request->instrumentation = static_cast<std::uint32_t>(config.instrumentation);
  request->full_checks = config.full_checks ? 1 : 0;
  request->active_vcpus = cell.guest.active_vcpus;
  request->extra_idle_us = cell.guest.idle_us;
  request->think_ns = config.think_ns;
  request->warmup_ns = static_cast<std::uint64_t>(config.warmup.count());
  request->duration_ns = static_cast<std::uint64_t>(config.duration.count());
  request->read_delay = delay_of(config.read_delay);
  request->first_vcpu_delay = delay_of(config.first_vcpu_delay);
  request->working_set = config.working_set;
  request->pool_pages = pages_that_fit(cell);
  request->pretouch_pages = std::min<std::uint64_t>(cell.budget.pretouch, request->pool_pages);
  request->quota_pages = cell.budget.quota;
  if (config.zappers != 0) set_actions(*request, cell.workload);
  set_events(*request, cell);
  const CellCpus cpus(cell);
  for (unsigned i = 0; i < config.vcpus; ++i) request->cpu_of_vcpu[i] = cpu_of(cpus.vcpus[i]);
  for (unsigned i = 0; i < config.zappers; ++i) request->cpu_of_zapper[i] = cpu_of(cpus.zappers[i]);
  request->guest = std::bit_cast<shadowwalk_guest>(cell.guest.params);
  request->guest.vcpu = 0;
  request->guest.burst = 0;
  request->guest.seed = config.seed;
  return request;
}

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

void add_role(EventCounts& to, const Role& role, const PreparedCell& cell,
              std::span<const shadowwalk_event_count> counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const pmu::EncodedEvent& event = cell.events.events[i];
    const shadowwalk_event_count& from = counts[i];
    if (from.error != 0) {
      to.refuse(event.name, pmu::explain_open_failure(static_cast<int>(from.error), event, pmu::open_facts()));
      continue;
    }
    EventCount sum;
    sum.role = role.name;
    sum.scope = kWholeThreads;
    sum.group = i;
    sum.count = static_cast<double>(from.count);
    sum.enabled_ns = from.enabled_ns;
    sum.running_ns = from.running_ns;
    to.add(event, std::move(sum), from.threads_not_counted == 0, static_cast<double>(from.count));
  }
}

EventCounts events(const PreparedCell& cell, const shadowwalk_request& request, const shadowwalk_result& result) {
  EventCounts to;
  for (const pmu::Refusal& refusal : cell.events.refused) to.refuse(refusal.event, refusal.reason);
  for (std::size_t i = request.event_count; i < cell.events.events.size(); ++i) {
    to.refuse(cell.events.events[i].name,
              fmt::format("the module counts {} events at once: ask for fewer", SHADOWWALK_MAX_EVENTS));
  }
  const std::size_t count = request.event_count;
  add_role(to, kWalkers, cell, std::span(result.vcpu_events).first(count));
  if (request.zappers != 0) add_role(to, kZappers, cell, std::span(result.zapper_events).first(count));
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
  to.events = events(cell, request, result);
  to.line_transfer_missing = "not measured between kernel threads";
  to.placement = placement(cell, request);
  return to;
}

}  // namespace shadowwalk::kernel
