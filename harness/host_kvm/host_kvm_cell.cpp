#include "harness/host_kvm/host_kvm_cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>

#include "harness/host_kvm/host_kvm_threads.hpp"
#include "harness/lab/onlookers.hpp"
#include "harness/lab/window_schedule.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"
#include "harness/measure/memory.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk::host_kvm {
namespace {

std::uint64_t ticks(std::chrono::nanoseconds time) { return CycleClock::from_ns(static_cast<double>(time.count())); }

/// Waits until `end` or the first failure, and looks at the kernel's page tables meanwhile. True: failed.
bool watch_until(std::uint64_t end, CellFailure& failure, std::optional<std::uint64_t>& peak) {
  constexpr auto kInterval = HostKvmMeasurement::kSampleInterval;
  for (;;) {
    if (const auto bytes = sec_page_tables_bytes()) peak = std::max(peak.value_or(0), *bytes);
    const std::uint64_t next = std::min(end, CycleClock::now() + ticks(kInterval));
    if (failure.wait_until(next)) return true;
    if (next == end) return false;
  }
}

void add_histogram(Histogram& to, const TouchHistogram& from) { to.add(from.counts, from.sum, from.min, from.max); }

void add_up(HostKvmMeasurement& cell, TouchVm& vm, std::span<const std::unique_ptr<ToucherThread>> touchers,
            const BeatThread& zapper) {
  CellMeasurement& common = cell.common;
  for (unsigned i = 0; i < touchers.size(); ++i) {
    const ToucherThread& thread = *touchers[i];
    common.exits += thread.exits;
    cell.lost_slot += thread.lost_slot;
    common.noise.walker_switches += thread.disturbance.involuntary_switches();
    common.noise.walkers_off_cpu_ns += thread.disturbance.off_cpu_ns();
    const double change = thread.disturbance.core_speed_change();
    if (std::abs(change - 1) > std::abs(common.noise.core_speed_change - 1)) common.noise.core_speed_change = change;

    const TouchLog& log = vm.vcpu(i).log();
    cell.touches += log.recorded;
    for (std::uint32_t kind = 0; kind < kTouchKinds; ++kind) add_histogram(cell.touch_ns[kind], log.of[kind]);
    add_histogram(cell.clock_ns, log.clock);
  }
  common.zaps = zapper.beats;
  common.zaps_empty = zapper.beats_empty;
  common.zap_ns = zapper.beat_ns;
  common.zap_service_ns = zapper.beat_service_ns;
  common.noise.zapper_switches = zapper.disturbance.involuntary_switches();
}

/// The kernel counts from the making of the VM.
std::optional<std::uint64_t> recycled_ever(const TouchVm& vm) {
  const KvmStatistics statistics = vm.statistics();
  const auto recycled = statistics.values.find("mmu_recycled");
  if (recycled == statistics.values.end()) return std::nullopt;
  return recycled->second.value;
}

/// A quota that made the kernel recycle nothing in the whole window was beaten in vain.
void empty_beats_in_vain(CellMeasurement& common) {
  const auto recycled = common.host.kvm_statistics.find("mmu_recycled");
  if (recycled == common.host.kvm_statistics.end() || recycled->second.delta() != 0) return;
  common.zaps_empty += common.zaps;
  common.zaps = 0;
  common.zap_ns = common.zap_service_ns = {};
}

}  // namespace

HostKvmMeasurement run_host_kvm_cell(const CellConfig& config, const HostPlan& plan) {
  timeline::join(config.timeline, "main");
  const Placement placement = Placement::parse(config.placement);
  const unsigned zappers = plan.actions.empty() ? 0 : 1;
  TouchVm vm(plan.touch);
  if (plan.quota != 0) vm.set_page_quota(plan.quota);
  const auto own_counters = config.counters == nullptr ? std::make_unique<LiveCounters>() : nullptr;
  LiveCounters& counters = own_counters ? *own_counters : *config.counters;
  counters.begin(config.vcpus, zappers);
  HostKvmShared shared(config, plan, vm, counters);
  HostKvmMeasurement cell;
  CellMeasurement& common = cell.common;
  common.workload_summary = plan.workload_summary;
  common.noise.cpus = std::thread::hardware_concurrency();
  common.noise.walkers = config.vcpus;
  common.noise.busy_threads = config.vcpus + zappers;
  common.noise.oversubscribed = common.noise.busy_threads > placement.cpus();
  shared.yield_while_waiting = common.noise.oversubscribed;
  const auto place = [&](const std::string& thread, std::size_t index) {
    const std::optional<unsigned> cpu = placement.cpu_of(index);
    if (cpu) common.placement[thread] = *cpu;
    return cpu;
  };

  std::vector<std::unique_ptr<ToucherThread>> touchers;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < config.vcpus; ++i) {
    touchers.push_back(std::make_unique<ToucherThread>(shared, i));
    threads.emplace_back(&ToucherThread::run, touchers.back().get(),
                         place(fmt::format("vcpu-{}", i), i / plan.vcpus_per_cpu));
  }
  BeatThread zapper(shared);
  std::thread zapper_thread;
  if (zappers != 0)
    zapper_thread = std::thread(&BeatThread::run, &zapper,
                                place("zapper-0", (config.vcpus + plan.vcpus_per_cpu - 1) / plan.vcpus_per_cpu));

  shared.attached.arrive_and_wait();
  tell_ready(config, shared.failure);
  shared.go.count_down();

  HostWatch host([&vm] { return vm.statistics(); });
  WindowSchedule schedule(config, shared.window);
  common.duration_s = common.noise.duration_s = CycleClock::to_ns(schedule.end() - schedule.start()) / 1e9;
  const auto enter = [&](CellPhase phase) { SHADOWWALK_PROBE(phase, phase, config.id, config.name.c_str()); };
  enter(CellPhase::warmup);
  if (!schedule.wait_for_start(shared.failure)) {
    enter(CellPhase::measure);
    host.start();
    const std::uint64_t recording = CycleClock::now();
    vm.record_touches(true);
    watch_until(schedule.end(), shared.failure, cell.sec_page_tables_peak);
    vm.record_touches(false);
    cell.touching_s = CycleClock::to_ns(CycleClock::now() - recording) / 1e9;
    if (config.onlookers != nullptr) config.onlookers->end_window();
    common.host = host.finish(common.noise);
  }

  enter(CellPhase::drain);
  shared.stop_zapper.store(true, std::memory_order_relaxed);
  if (zapper_thread.joinable()) zapper_thread.join();
  shared.stop_touching.store(true, std::memory_order_relaxed);
  for (const auto& toucher : touchers) make_request(toucher->vcpu(), kRequestStop);
  shared.detached.count_down();
  for (std::thread& thread : threads) thread.join();
  if (const auto what = shared.failure.what()) throw CellError(*what);

  if (config.onlookers != nullptr) common.perturbed = config.onlookers->perturbed();
  add_up(cell, vm, touchers, zapper);
  cell.clock_missing = vm.clock_missing();
  cell.dirty_pages = zapper.dirty_pages;
  if (recycles_alone(plan)) empty_beats_in_vain(common);
  cell.events = host_kvm_events(plan, zapper.totals, recycled_ever(vm));
  return cell;
}

}  // namespace shadowwalk::host_kvm
