#include "harness/lab/cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "harness/attach/probes.hpp"
#include "harness/lab/cell_guest.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/reclaimer.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/membarrier.hpp"
#include "harness/machine/placement.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {
namespace {

/// Counts the IPIs of flushes, and their time from the first request to the last acknowledgement.
class IpiRecord final : public NativeMachine::IpiObserver {
 public:
  explicit IpiRecord(const Window& window) : window_(window) {}
  void on_ipis(std::size_t sent, std::uint64_t ticks) override {
    if (!window_.contains(CycleClock::now())) return;
    sent_.fetch_add(sent, std::memory_order_relaxed);
    ns_.record(CycleClock::to_whole_ns(ticks));
  }
  std::uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  Histogram ns() const { return ns_.snapshot(); }

 private:
  const Window& window_;
  std::atomic<std::uint64_t> sent_{0};
  ConcurrentHistogram ns_;
};

const VariantEntry& variant_of(const CellConfig& config) {
  const VariantEntry* entry = Registry::instance().find(config.variant);
  if (entry == nullptr) {
    throw InputError(
        fmt::format("unknown variant '{}': `shadowwalk list variants` tells what there is", config.variant));
  }
  return *entry;
}

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
constexpr std::chrono::milliseconds kReplayBegins{2};

std::string vcpu_name(unsigned index) { return fmt::format("vcpu-{}", index); }

/// Pins what has a place, and writes down where.
class Places {
 public:
  explicit Places(const CellConfig& config) : placement_(Placement::parse(config.placement)) {}
  std::optional<unsigned> next(const std::string& thread) {
    const std::optional<unsigned> cpu = placement_.cpu_of(dealt_++);
    if (cpu) taken_[thread] = *cpu;
    return cpu;
  }
  /// That of `host`, a thread that has its place; the next free CPU for `host` itself.
  std::optional<unsigned> next_beside(const std::string& thread, const std::string& host) {
    if (thread == host || !taken_.contains(host)) return next(thread);
    return taken_[thread] = taken_.at(host);
  }
  /// The next free CPU; where there is none, that of `host`.
  std::optional<unsigned> next_or_beside(const std::string& thread, const std::string& host) {
    return dealt_ < placement_.cpus() ? next(thread) : next_beside(thread, host);
  }
  std::size_t cpus() const { return placement_.cpus(); }
  const std::map<std::string, unsigned>& taken() const { return taken_; }
  void forget(const std::string& thread) { taken_.erase(thread); }

 private:
  const Placement placement_;
  std::size_t dealt_ = 0;
  std::map<std::string, unsigned> taken_;
};

EventCounts count_events(const pmu::EncodedSelection& selection, std::span<const std::unique_ptr<VcpuThread>> vcpus,
                         std::span<const std::unique_ptr<ZapperThread>> zappers, const ThreadEvents* reclaimer) {
  EventCounts counts;
  for (const pmu::Refusal& refusal : selection.refused) counts.refuse(refusal.event, refusal.reason);
  std::vector<ThreadPart> walking;
  for (const auto& vcpu : vcpus) walking.push_back({&vcpu->events, vcpu->record.walks});
  std::vector<ThreadPart> zapping;
  for (const auto& zapper : zappers) zapping.push_back({&zapper->events, zapper->zaps.zaps});
  add_role(counts, kWalkers, walking);
  add_role(counts, kZappers, zapping);
  if (reclaimer != nullptr) add_role(counts, kReclaimers, {{reclaimer, 0}});
  return counts;
}

void add_zaps(CellMeasurement& cell, const ZapRecord& zaps) {
  cell.zaps += zaps.zaps;
  cell.zaps_empty += zaps.zaps_empty;
  cell.zaps_total += zaps.zaps_total;
  cell.zap_ns.merge(zaps.zap_ns);
  cell.zap_service_ns.merge(zaps.zap_service_ns);
}

void add_up(CellMeasurement& cell, std::span<const std::unique_ptr<VcpuThread>> vcpus,
            std::span<const std::unique_ptr<ZapperThread>> zappers) {
  for (const auto& vcpu : vcpus) {
    cell.walks += vcpu->record.walks;
    cell.walk_ns_total += CycleClock::to_ns(vcpu->record.walk_ticks);
    cell.walk_ns.merge(vcpu->record.walk_ns);
    cell.section_ns.merge(vcpu->record.section_ns);
    cell.fault_ns.merge(vcpu->record.fault_ns);
    cell.counts += vcpu->counts;
    if (cell.first_violation.empty()) cell.first_violation = vcpu->first_violation;
    cell.exits += vcpu->exits;
    cell.exit_ns.merge(vcpu->exit_ns);
    add_zaps(cell, vcpu->zaps);
    const ThreadDisturbance& disturbance = vcpu->disturbance;
    cell.noise.walker_switches += disturbance.involuntary_switches();
    cell.noise.walkers_off_cpu_ns += disturbance.off_cpu_ns();
    const auto change = [](double speed) { return std::abs(speed - 1); };
    if (change(disturbance.core_speed_change()) > change(cell.noise.core_speed_change)) {
      cell.noise.core_speed_change = disturbance.core_speed_change();
    }
  }
  for (const auto& zapper : zappers) {
    add_zaps(cell, zapper->zaps);
    cell.noise.zapper_switches += zapper->disturbance.involuntary_switches();
  }
}

/// The thread that reads a cell's trace. Ends with the scope.
class FeederThread {
 public:
  FeederThread(replay::TraceGuest* trace, CellFailure& failure) : trace_(trace) {
    if (trace == nullptr) return;
    thread_ = std::thread([trace, &failure] {
      try {
        trace->feeder().run();
      } catch (const std::exception& error) {
        failure.report(error.what());
      }
    });
  }
  ~FeederThread() { join(); }
  FeederThread(const FeederThread&) = delete;
  FeederThread& operator=(const FeederThread&) = delete;
  void join() {
    if (!thread_.joinable()) return;
    trace_->feeder().stop();
    thread_.join();
  }

 private:
  replay::TraceGuest* const trace_;
  std::thread thread_;
};

/// After its threads have ended.
ReplayMeasurement measure_replay(replay::TraceGuest& trace, std::span<const std::unique_ptr<ZapperThread>> zappers,
                                 unsigned vcpus) {
  const replay::Feeder& feeder = trace.feeder();
  ReplayMeasurement replay{.info = feeder.reader().info(),
                           .source = feeder.reader().source(),
                           .pace = trace.clock().pace(),
                           .counts = {},
                           .skipped = feeder.skipped(),
                           .of_zap_alls = feeder.of_zap_alls(),
                           .passes = feeder.passes()};
  for (unsigned i = 0; i < vcpus; ++i) replay.counts += trace.vcpu(i).counts();
  for (const auto& zapper : zappers) replay.counts += zapper->replayed;
  return replay;
}

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

void check_cell(const CellConfig& config) {
  const VariantEntry& variant = variant_of(config);
  if (replays(config)) return check_replay(config, variant);
  if (config.pace) {
    throw InputError(fmt::format("--speed, --closed-loop: workload '{}' is no trace, which alone has a pace of its own",
                                 config.workload));
  }
  if (config.guest == GuestKind::trace) {
    throw InputError(fmt::format("--guest trace: workload '{}' is no trace", config.workload));
  }
  const Workload workload = load_workload(config.workload);
  if (!variant.can_zap && config.zappers != 0) {
    throw InputError(fmt::format("variant '{}' cannot zap: give --zappers 0", config.variant));
  }
  if (workload.host.empty() && config.zappers != 0) {
    throw InputError(fmt::format("workload '{}' has nothing for zappers to do: give --zappers 0", workload.name));
  }
  check_promised_names(workload);
  guest_config(config, workload);  // throws if a knob does not suit the workload
  Placement::parse(config.placement);
  if (variant.is_reference()) return variant.check_cell(config);
  if (config.guest == GuestKind::kvm) {
    if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) {
      throw InputError(fmt::format("--guest kvm: {}; --guest thread runs here", reason));
    }
  }
  page_budget(config, workload);
}

CellMeasurement run_cell(const CellConfig& asked) {
  check_cell(asked);
  const Workload workload = replays(asked) ? trace_workload(asked) : load_workload(asked.workload);
  CellConfig config = asked;
  config.first_vcpu_delay = first_vcpu_delay(workload.stall);
  const VariantEntry& variant = variant_of(config);

  register_membarrier();  // before threads start; a kernel without it costs only the schemes that need it
  Places places(config);
  NativeMachine machine(config.vcpus);
  std::vector<std::optional<unsigned>> vcpu_cpus;
  std::vector<std::optional<unsigned>> zapper_cpus;
  for (unsigned i = 0; i < config.vcpus; ++i) {
    vcpu_cpus.push_back(places.next_beside(vcpu_name(i), vcpu_name(i - i % workload.vcpus_per_cpu)));
  }
  for (unsigned i = 0; i < config.zappers; ++i) zapper_cpus.push_back(places.next(fmt::format("zapper-{}", i)));
  Window window;
  const pmu::EncodedSelection events = encode_events(config.events);
  // Where CPUs are short, beside a zapper: a kernel runs callbacks on the CPU that queued them.
  Reclaimer reclaimer(places.next_or_beside("reclaim-0", "zapper-0"), events, window);
  machine.set_rcu_options(
      {.interval = config.rcu_interval, .on_thread_start = Reclaimer::on_thread_start, .context = &reclaimer});

  IpiRecord ipis(window);
  if (config.instrumentation != Instrumentation::none) machine.observe_ipis(&ipis);
  CellMeasurement cell;
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

  CellShared shared(config, machine, *engine, window, events);
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

  const auto ticks = [](std::chrono::nanoseconds time) {
    return CycleClock::from_ns(static_cast<double>(time.count()));
  };
  if (trace != nullptr) trace->clock().start(CycleClock::now() + ticks(kReplayBegins));
  const std::uint64_t start = CycleClock::now() + ticks(config.warmup);
  const std::uint64_t end = start + ticks(config.duration);
  window.set(start, end);
  cell.duration_s = cell.noise.duration_s = CycleClock::to_ns(end - start) / 1e9;
  const auto enter = [&](CellPhase phase) { SHADOWWALK_PROBE(phase, phase, config.id, config.name.c_str()); };
  enter(CellPhase::warmup);
  if (!shared.failure.wait_until(start)) {
    enter(CellPhase::measure);
    host.start();
    if (machine.has_rcu()) reclaimer.start_events();
    shared.failure.wait_until(end);
    reclaimer.stop_events();
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

  cell.interval_ns = CycleClock::to_ns(end - start) / static_cast<double>(Footprint::kIntervals);
  add_up(cell, vcpus, zappers);
  cell.host_part = engine->host_totals();
  if (trace != nullptr) {
    cell.replay = measure_replay(*trace, zappers, config.vcpus);
    require_accesses(config, cell.walks);
  }
  if (variant.can_zap) {
    check_promises(workload, workload_events(cell.counts, cell.host_part, cell.zaps_total), config.zappers != 0);
  }
  cell.events = count_events(events, vcpus, zappers, machine.has_rcu() ? &reclaimer.events() : nullptr);
  cell.mmu_lock_wait_ns = engine->mmu_lock_wait_ns();
  cell.mmu_lock_hold_ns = engine->mmu_lock_hold_ns();
  cell.ipis = ipis.sent();
  cell.ipi_ns = ipis.ns();
  cell.footprint = engine->footprint().result();
  if (machine.has_rcu()) cell.grace_periods = machine.rcu().grace_periods();
  cell.placement = places.taken();
  cell.zap_times = engine->zap_times();
  measure_line_between_vcpus(config, cell);
  return cell;
}

}  // namespace shadowwalk
