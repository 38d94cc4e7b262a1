#include "harness/host_kvm/host_kvm_cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "harness/host_kvm/host_beats.hpp"
#include "harness/host_kvm/host_kvm_threads.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/measure/memory.hpp"
#include "harness/os/scoped_affinity.hpp"

namespace shadowwalk::host_kvm {
namespace {

std::uint64_t ticks(std::chrono::nanoseconds time) { return CycleClock::from_ns(static_cast<double>(time.count())); }

/// Waits until `end` or the first failure, and samples the size of the kernel's page tables meanwhile.
void watch_until(std::uint64_t end, CellFailure& failure, std::optional<std::uint64_t>& peak) {
  constexpr auto kInterval = HostKvmMeasurement::kSampleInterval;
  for (;;) {
    if (const auto bytes = sec_page_tables_bytes()) peak = std::max(peak.value_or(0), *bytes);
    const std::uint64_t next = std::min(end, CycleClock::now() + ticks(kInterval));
    if (failure.wait_until(next) || next == end) return;
  }
}

void add_histogram(Histogram& to, const TouchHistogram& from) { to.add(from.counts, from.sum, from.min, from.max); }

void add_up(HostKvmMeasurement& cell, TouchVm& vm, std::span<const std::unique_ptr<ToucherThread>> touchers,
            const ZapperThread* zapper) {
  CellMeasurement& common = cell.common;
  for (unsigned i = 0; i < touchers.size(); ++i) {
    const ToucherThread& thread = *touchers[i];
    common.exits += thread.exits;
    cell.lost_slot += thread.lost_slot;
    add_walker(common.noise, thread.disturbance);
    const TouchLog& log = vm.vcpu(i).log();
    cell.touches += log.recorded;
    for (std::uint32_t kind = 0; kind < kTouchKinds; ++kind) add_histogram(cell.touch_ns[kind], log.of[kind]);
    add_histogram(cell.clock_ns, log.clock);
  }
  if (zapper == nullptr) return;
  common.zaps = zapper->zaps.zaps;
  common.zaps_empty = zapper->zaps.zaps_empty;
  common.zaps_unfinished = zapper->zaps.zaps_unfinished;
  common.zap_ns = zapper->zaps.zap_ns;
  common.zap_service_ns = zapper->zaps.zap_service_ns;
  common.noise.zapper_switches = zapper->disturbance.involuntary_switches();
}

/// Drops the times of touches that cannot be right.
void check_clock(HostKvmMeasurement& cell, unsigned vcpus) {
  double touching_ns = 0;
  for (const Histogram& histogram : cell.touch_ns) touching_ns += static_cast<double>(histogram.sum());
  std::string why = why_clock_is_wrong(touching_ns, cell.touching_s, vcpus);
  if (why.empty()) return;
  for (Histogram& histogram : cell.touch_ns) histogram = {};
  cell.clock_ns = {};
  cell.clock_missing = std::move(why);
}

/// The kernel counts from the making of the VM.
std::optional<std::uint64_t> recycled_ever(const TouchVm& vm) {
  const KvmStatistics statistics = vm.statistics();
  const auto recycled = statistics.values.find("mmu_recycled");
  if (recycled == statistics.values.end()) return std::nullopt;
  return recycled->second.value;
}

/// The beats of a window in which the kernel recycled nothing found nothing.
void empty_fruitless_beats(CellMeasurement& common) {
  const auto recycled = common.host.kvm_statistics.find("mmu_recycled");
  if (recycled == common.host.kvm_statistics.end() || recycled->second.delta() != 0) return;
  common.zaps_empty += common.zaps;
  common.zaps = 0;
  common.zap_ns = common.zap_service_ns = {};
}

}  // namespace

std::string why_clock_is_wrong(double touching_ns, double window_s, unsigned vcpus) {
  // A touch that began before the window, or was clocked past its end, is in the sum as a whole.
  constexpr double kTolerance = 1.1;
  constexpr double kEdgesNs = 100e6;
  const double most_ns = window_s * 1e9 * vcpus;
  if (touching_ns <= kTolerance * most_ns + kEdgesNs * vcpus) return {};
  return fmt::format(
      "by the guest's TSC its touches took {:.1f} s in {:.1f} s of {} vCPUs: that clock is wrong, as under an emulator",
      touching_ns / 1e9, window_s, vcpus);
}

HostKvmMeasurement run_host_kvm_cell(const PreparedCell& prepared, const HostPlan& plan) {
  const CellConfig& config = prepared.config;
  timeline::join(config.timeline, "main");
  std::optional<os::ScopedAffinity> near_vcpu_0(std::in_place, CellCpus(prepared).vcpus.front());
  TouchVm vm(plan.touch);
  if (plan.quota != 0) vm.set_page_quota(plan.quota);
  CellShared shared(prepared);
  HostKvmMeasurement cell;
  CellMeasurement& common = cell.common;

  std::vector<std::unique_ptr<ToucherThread>> touchers;
  std::vector<std::thread> threads, zapper_threads;
  for (unsigned i = 0; i < config.vcpus; ++i) {
    touchers.push_back(std::make_unique<ToucherThread>(shared, vm, plan.touch.guest, i));
  }
  near_vcpu_0.reset();  // threads inherit it
  common = begin_measurement(prepared);
  for (unsigned i = 0; i < config.vcpus; ++i) {
    start_thread(shared, threads, *touchers[i], shared.cpus.vcpus[i]);
  }
  HostBeats beats(vm, plan, shared.window);
  std::unique_ptr<ZapperThread> zapper;
  if (config.zappers != 0) {
    zapper = std::make_unique<ZapperThread>(shared, 0, plan.actions, beats);
    start_thread(shared, zapper_threads, *zapper, shared.cpus.zappers[0]);
  }

  std::uint64_t recording = 0;
  measure_window(shared, HostWatch([&vm] { return vm.statistics(); }), common,
                 {.begun =
                      [&] {
                        recording = CycleClock::now();
                        vm.record_touches(true);
                      },
                  .wait = [&](std::uint64_t end) { watch_until(end, shared.failure, cell.sec_page_tables_peak); },
                  .ended =
                      [&] {
                        vm.record_touches(false);
                        cell.touching_s = CycleClock::to_ns(CycleClock::now() - recording) / 1e9;
                      }});

  shared.stop_zappers.store(true, std::memory_order_relaxed);
  for (std::thread& thread : zapper_threads) thread.join();
  for (const auto& toucher : touchers) make_request(toucher->vcpu(), kRequestStop);
  shared.detached.count_down();
  for (std::thread& thread : threads) thread.join();
  finish_measurement(shared, common);

  add_up(cell, vm, touchers, zapper.get());
  cell.clock_missing = vm.clock_missing();
  check_clock(cell, config.vcpus);
  cell.dirty_pages = beats.dirty_pages();
  if (recycles_alone(plan)) empty_fruitless_beats(common);
  cell.events = host_kvm_events(plan, beats.totals(), recycled_ever(vm));
  return cell;
}

}  // namespace shadowwalk::host_kvm
