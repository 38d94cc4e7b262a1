#include "harness/lab/cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "harness/lab/cell_records.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/lab/cell_totals.hpp"
#include "harness/lab/grace_period_record.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/kernel_grace_period.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/os/scoped_affinity.hpp"
#include "harness/probes/probes.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {
namespace {

bool halts(const Workload& workload) {
  return workload.active_vcpus != 0 ||
         std::ranges::any_of(workload.phases, [](const PhaseShape& phase) { return phase.idle.count() != 0; });
}

/// From the threads' start until a replay's: they are all there then, and the feeder is ahead.
constexpr double kReplayBeginsNs = 2e6;

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

/// Whether callbacks wait for a thread on the reclaimer's CPU. Not where there are none, as long as nothing is zapped.
std::optional<bool> reclaimer_shares_cpu(NativeMachine& machine, const CellCpus& cpus) {
  if (!machine.has_rcu() || !cpus.reclaimer) return std::nullopt;
  const bool has_work = machine.rcu().grace_periods() != 0;
  return cpus.reclaimer_is_beside_zapper() || (has_work && cpus.reclaimer_is_beside_vcpu());
}

/// The guest of a replay; null if the workload is no trace.
std::unique_ptr<replay::TraceGuest> make_trace_guest(const PreparedCell& prepared, const Window& window) {
  if (!prepared.trace) return nullptr;
  const CellConfig& config = prepared.config;
  const replay::TraceGuest::Config trace{.file = replay::trace_file(config.workload).value(),
                                         .vcpus = config.vcpus,
                                         .host_lane = config.zappers != 0,
                                         .burst = config.walks_per_exit,
                                         .pace = config.pace.value(),
                                         .clocked = config.instrumentation != Instrumentation::none,
                                         .cpus_are_short = prepared.oversubscribed()};
  return std::make_unique<replay::TraceGuest>(trace, window);
}

/// A window without an access measured nothing.
void require_accesses(const CellConfig& config, std::uint64_t walks) {
  if (walks != 0) return;
  throw ExpectedEventMissing(fmt::format(
      "{}: no access of the trace fell into the window: give it a longer --duration, a higher --speed or --closed-loop",
      config.workload));
}

}  // namespace

CellMeasurement run_cell(const PreparedCell& prepared) {
  const CellConfig& config = prepared.config;
  const Workload& workload = prepared.workload;
  const VariantEntry& variant = *prepared.variant;
  timeline::join(config.timeline, "main");
  register_membarrier();  // before threads start; a kernel without it costs only the schemes that need it
  // What the cell's threads share lies on vCPU 0's NUMA node, in each repetition.
  std::optional<os::ScopedAffinity> near_vcpu_0(std::in_place, CellCpus(prepared).vcpus.front());
  NativeMachine machine(config.vcpus);
  CellShared shared(prepared);
  shared.counters.page_bytes.store(variant.can_zap ? kPageBytes : 0, std::memory_order_relaxed);
  ReclaimerThread reclaimer(shared, shared.cpus.reclaimer);
  IpiRecord ipis(shared.window, shared.counters.ipis);
  GracePeriodRecord grace_periods(shared.window, CycleClock::to_whole_ns);
  if (shared.clocked()) machine.observe_ipis(&ipis);
  machine.set_rcu_options({.interval = config.rcu_interval.time,
                           .wait_for_other = config.rcu_interval.of_kernel ? wait_for_kernel_grace_period : nullptr,
                           .on_thread_start = ReclaimerThread::on_thread_start,
                           .context = &reclaimer,
                           .observer = shared.clocked() ? &grace_periods : nullptr});

  const std::unique_ptr<replay::TraceGuest> trace = make_trace_guest(prepared, shared.window);
  const std::unique_ptr<Guest> own_guest = trace == nullptr ? make_guest(prepared.guest) : nullptr;
  Guest& guest = trace == nullptr ? *own_guest : static_cast<Guest&>(*trace);
  const std::unique_ptr<Engine> engine = variant.make_engine(machine, config, shared.window, prepared.budget);
  shared.cpus.has_reclaimer = machine.has_rcu();
  const EngineCell engine_cell{.machine = machine,
                               .engine = *engine,
                               .small_bursts = trace != nullptr && !trace->clock().pace().closed_loop,
                               .walkers_sleep = prepared.vcpus_share_cpus() || halts(workload) || trace != nullptr};

  std::vector<std::unique_ptr<VcpuThread>> vcpus;
  std::vector<std::thread> vcpu_threads;
  for (unsigned i = 0; i < config.vcpus; ++i) {
    machine.vcpus()[i]->set_immediate_exit(&guest.vcpu(i).immediate_exit());
    vcpus.push_back(std::make_unique<VcpuThread>(shared, engine_cell, i, guest.vcpu(i),
                                                 trace == nullptr ? nullptr : &trace->vcpu(i)));
  }
  near_vcpu_0.reset();  // threads inherit it
  for (unsigned i = 0; i < config.vcpus; ++i) {
    start_thread(shared, vcpu_threads, *vcpus[i], shared.cpus.vcpus[i]);
  }
  FeederThread feeder(trace.get(), shared.failure);
  std::vector<std::unique_ptr<ZapperThread>> zappers;
  std::vector<std::thread> zapper_threads;
  for (unsigned i = 0; i < config.zappers; ++i) {
    zappers.push_back(trace != nullptr ? std::make_unique<ZapperThread>(shared, *trace, *engine)
                                       : std::make_unique<ZapperThread>(shared, i, workload.host, *engine));
    start_thread(shared, zapper_threads, *zappers.back(), shared.cpus.zappers[i]);
  }

  CellMeasurement cell = begin_measurement(prepared);
  WindowHooks hooks;
  if (trace != nullptr) {
    hooks.released = [&] { trace->clock().start(CycleClock::now() + CycleClock::from_ns(kReplayBeginsNs)); };
  }
  if (machine.has_rcu()) hooks.begun = [&] { reclaimer.start_events(); };
  hooks.ended = [&] {
    reclaimer.stop_events();
    cell.reclaimer_shares_cpu = reclaimer_shares_cpu(machine, shared.cpus);
  };
  measure_window(shared, HostWatch(guest), cell, hooks);

  // Zappers first: a vCPU that has gone could not acknowledge their IPIs.
  shared.stop_zappers.store(true, std::memory_order_relaxed);
  engine->stop_waiting();
  for (std::thread& thread : zapper_threads) thread.join();
  make_all_cpus_request(machine.vcpus(), kRequestStop);
  shared.detached.count_down();  // only now: a vCPU may have seen the request before its IPI was sent
  for (std::thread& thread : vcpu_threads) thread.join();
  feeder.join();
  engine->drain();
  finish_measurement(shared, cell);

  cell.interval_ns = cell.duration_s * 1e9 / static_cast<double>(Footprint::kIntervals);
  add_up(cell, vcpus, zappers);
  cell.mmu = measured(engine->records());
  if (trace != nullptr) {
    cell.replay = measure_replay(*trace, zappers, config.vcpus);
    require_accesses(config, cell.walks);
  }
  if (variant.can_zap) check_required_events(workload, workload_events(cell), config.zappers != 0);
  cell.events = count_events(prepared.events, vcpus, zappers, machine.has_rcu() ? &reclaimer.events() : nullptr);
  cell.ipis = ipis.sent();
  cell.ipis_total = ipis.total();
  cell.ipi_ns = ipis.ns();
  if (machine.has_rcu()) cell.grace_periods = machine.rcu().grace_periods();
  if (machine.has_rcu() && shared.clocked()) cell.grace_period_times = grace_periods.result();
  measure_line_between_vcpus(config, cell);
  return cell;
}

}  // namespace shadowwalk
