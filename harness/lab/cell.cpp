#include "harness/lab/cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "harness/lab/cell_guest.hpp"
#include "harness/lab/cell_records.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/lab/cell_totals.hpp"
#include "harness/lab/feeder_thread.hpp"
#include "harness/lab/grace_period_record.hpp"
#include "harness/lab/onlookers.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/reclaimer.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/thread_places.hpp"
#include "harness/lab/window_schedule.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/membarrier.hpp"
#include "harness/probes/probes.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {
namespace {

/// How the workload's stalls are timed: the clock is looked at once in so many walks.
ReadDelay first_vcpu_delay(const WalkerStall& stall) {
  if (stall.time.count() == 0) return {};
  constexpr std::uint64_t kWalksBetweenLooks = 256;
  return {.one_in = kWalksBetweenLooks,
          .stall_us = static_cast<double>(stall.time.count()),
          .every_us = static_cast<double>(stall.every.count())};
}

bool halts(const Workload& workload) {
  return workload.active_vcpus != 0 ||
         std::ranges::any_of(workload.phases, [](const PhaseShape& phase) { return phase.idle.count() != 0; });
}

/// From the threads' start until a replay's: they are all there then, and the feeder is ahead.
constexpr double kReplayBeginsNs = 2e6;

std::string vcpu_name(unsigned index) { return fmt::format("vcpu-{}", index); }

/// What a line costs between the two CPUs that two walkers have just shared lines over: the unit that their waiting for
/// each other can be counted in.
void measure_line_between_vcpus(const CellConfig& config, CellMeasurement& cell) {
  if (config.instrumentation == Instrumentation::none) return;
  if (config.vcpus != 2 || config.zappers != 0) {
    cell.line_transfer_missing = "only taken with 2 vCPUs and no zappers";
  } else if (cell.placement.size() < 2 || cell.placement["vcpu-0"] == cell.placement["vcpu-1"]) {
    cell.line_transfer_missing = "the vCPUs are not pinned to a CPU each";
  } else {
    try {
      cell.line_transfer = measure_line_transfer(cell.placement["vcpu-0"], cell.placement["vcpu-1"]);
    } catch (const CellError& error) {
      cell.line_transfer_missing = error.what();
    }
  }
}

}  // namespace

CellMeasurement run_cell(const CellConfig& asked) {
  check_cell(asked);
  timeline::join(asked.timeline, "main");
  const Workload workload = replays(asked) ? trace_workload(asked) : load_workload(asked.workload);
  CellConfig config = asked;
  config.first_vcpu_delay = first_vcpu_delay(workload.stall);
  const VariantEntry& variant = Registry::instance().at(config.variant);

  register_membarrier();  // before threads start; a kernel without it costs only the schemes that need it
  ThreadPlaces places(config.placement);
  NativeMachine machine(config.vcpus);
  std::vector<std::optional<unsigned>> vcpu_cpus;
  std::vector<std::optional<unsigned>> zapper_cpus;
  for (unsigned i = 0; i < config.vcpus; ++i) {
    vcpu_cpus.push_back(places.next_beside(vcpu_name(i), vcpu_name(i - i % workload.vcpus_per_cpu)));
  }
  for (unsigned i = 0; i < config.zappers; ++i) zapper_cpus.push_back(places.next(fmt::format("zapper-{}", i)));
  Window window;
  const auto own_counters = config.counters == nullptr ? std::make_unique<LiveCounters>() : nullptr;
  if (own_counters) config.counters = own_counters.get();
  LiveCounters& counters = *config.counters;
  counters.begin(config.vcpus, config.zappers);
  counters.page_bytes.store(variant.can_zap ? kPageBytes : 0, std::memory_order_relaxed);
  const pmu::EncodedSelection events = encode_events(config.events);
  // Where CPUs are short, beside a zapper: a kernel runs callbacks on the CPU that queued them.
  Reclaimer reclaimer(places.next_or_beside("reclaim-0", "zapper-0"), events, window, config.timeline);

  IpiRecord ipis(window, counters.ipis);
  GracePeriodRecord grace_periods(window, CycleClock::to_ns(1));
  const bool clocked = config.instrumentation != Instrumentation::none;
  if (clocked) machine.observe_ipis(&ipis);
  machine.set_rcu_options({.interval = config.rcu_interval,
                           .on_thread_start = Reclaimer::on_thread_start,
                           .context = &reclaimer,
                           .observer = clocked ? &grace_periods : nullptr});

  CellMeasurement cell;
  cell.workload_summary = workload.summary;
  cell.noise.cpus = std::thread::hardware_concurrency();
  cell.noise.walkers = config.vcpus;
  // A feeder in a closed loop is as busy as those whom it feeds.
  cell.noise.busy_threads = config.vcpus + config.zappers + (config.pace && config.pace->closed_loop ? 1 : 0);
  const bool cpus_are_shared = workload.vcpus_per_cpu > 1 && config.vcpus > 1;
  cell.noise.oversubscribed = cell.noise.busy_threads > places.cpus() || cpus_are_shared;

  std::unique_ptr<Guest> guest;
  replay::TraceGuest* trace = nullptr;
  PageBudget budget;
  if (replays(config)) {
    auto replay = std::make_unique<replay::TraceGuest>(trace_guest_config(config, cell.noise.oversubscribed), window);
    trace = replay.get();
    guest = std::move(replay);
    const trace::TraceInfo& info = trace->feeder().reader().info();
    config.working_set = info.last_gfn;
    budget = page_budget(info);
  } else {
    guest = make_guest(guest_config(config, workload));
    budget = page_budget(config, workload);
  }
  const std::unique_ptr<Engine> engine = variant.make_engine(machine, config, window, budget);
  if (!machine.has_rcu()) places.forget("reclaim-0");

  CellShared shared(config, machine, *engine, window, counters, events);
  HostWatch host(*guest);
  shared.yield_while_waiting = cell.noise.oversubscribed;
  shared.walkers_sleep = cpus_are_shared || halts(workload) || trace != nullptr;
  shared.small_bursts = trace != nullptr && !trace->clock().pace().closed_loop;

  std::vector<std::unique_ptr<VcpuThread>> vcpus;
  std::vector<std::thread> vcpu_threads;
  for (unsigned i = 0; i < config.vcpus; ++i) {
    machine.vcpus()[i]->set_immediate_exit(&guest->vcpu(i).immediate_exit());
    vcpus.push_back(
        std::make_unique<VcpuThread>(shared, i, guest->vcpu(i), trace == nullptr ? nullptr : &trace->vcpu(i)));
  }
  for (unsigned i = 0; i < config.vcpus; ++i) {
    vcpu_threads.emplace_back(&VcpuThread::run, vcpus[i].get(), vcpu_cpus[i]);
  }
  FeederThread feeder(trace, shared.failure);
  std::vector<std::unique_ptr<ZapperThread>> zappers;
  std::vector<std::thread> zapper_threads;
  for (unsigned i = 0; i < config.zappers; ++i) {
    zappers.push_back(trace != nullptr ? std::make_unique<ZapperThread>(shared, *trace)
                                       : std::make_unique<ZapperThread>(shared, i, workload.host));
    zapper_threads.emplace_back(&ZapperThread::run, zappers.back().get(), zapper_cpus[i]);
  }
  shared.attached.arrive_and_wait();
  tell_ready(config, shared.failure);
  shared.go.count_down();

  if (trace != nullptr) trace->clock().start(CycleClock::now() + CycleClock::from_ns(kReplayBeginsNs));
  WindowSchedule schedule(config, window);
  cell.duration_s = cell.noise.duration_s = CycleClock::to_ns(schedule.end() - schedule.start()) / 1e9;
  const auto enter = [&](CellPhase phase) { SHADOWWALK_PROBE(phase, phase, config.id, config.name.c_str()); };
  enter(CellPhase::warmup);
  if (!schedule.wait_for_start(shared.failure)) {
    enter(CellPhase::measure);
    host.start();
    if (machine.has_rcu()) reclaimer.start_events();
    shared.failure.wait_until(schedule.end());
    reclaimer.stop_events();
    if (config.onlookers != nullptr) config.onlookers->end_window();
    cell.host = host.finish(cell.noise);
  }

  enter(CellPhase::drain);
  // Zappers first: a vCPU that has gone could not acknowledge their IPIs.
  shared.stop_zappers.store(true, std::memory_order_relaxed);
  engine->stop_waiting();
  for (std::thread& thread : zapper_threads) thread.join();
  make_all_cpus_request(machine.vcpus(), kRequestStop);
  shared.detached.count_down();  // only now: a vCPU may have seen the request before its IPI was sent
  for (std::thread& thread : vcpu_threads) thread.join();
  feeder.join();
  engine->drain();
  if (const auto what = shared.failure.what()) throw CellError(*what);

  if (config.onlookers != nullptr) cell.perturbed = config.onlookers->perturbed();
  cell.interval_ns = CycleClock::to_ns(schedule.end() - schedule.start()) / static_cast<double>(Footprint::kIntervals);
  add_up(cell, vcpus, zappers);
  cell.mmu = measured(engine->records());
  if (trace != nullptr) {
    cell.replay = measure_replay(*trace, zappers, config.vcpus);
    require_accesses(config, cell.walks);
  }
  if (variant.can_zap) {
    check_promises(workload, workload_events(cell), config.zappers != 0);
  }
  cell.events = count_events(events, vcpus, zappers, machine.has_rcu() ? &reclaimer.events() : nullptr);
  cell.ipis = ipis.sent();
  cell.ipis_total = ipis.total();
  cell.ipi_ns = ipis.ns();
  if (machine.has_rcu()) cell.grace_periods = machine.rcu().grace_periods();
  if (machine.has_rcu() && clocked) cell.grace_period_times = grace_periods.result();
  cell.placement = places.taken();
  measure_line_between_vcpus(config, cell);
  return cell;
}

}  // namespace shadowwalk
