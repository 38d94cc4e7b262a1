#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/projection/projection.hpp"
#include "harness/projection/topology_file.hpp"
#include "workloads/guest_knobs.hpp"

namespace shadowwalk::bench {
namespace {

/// A short cell as `shadowwalk cell` runs it, without zaps. The time is the window divided by the walks, the guest's
/// work included, so that it shows the cost of each level of the lab's own measuring.
void add_cell(const VariantEntry& variant, Instrumentation level) {
  add("cell/" + std::string(variant.info.name) + "/instrumentation:" + to_string(level),
      [&variant, level](benchmark::State& state) {
        CellConfig config;
        config.variant = variant.info.name;
        config.workload = "mmio-poll";
        config.zappers = 0;
        config.guest = GuestKind::thread;
        config.warmup = std::chrono::milliseconds(20);
        config.duration = std::chrono::milliseconds(100);
        config.instrumentation = level;
        for (auto _ : state) {
          const CellMeasurement cell = run_cell(prepare_cell(config));
          if (cell.walks == 0) throw CellError("no walk in the window");
          state.SetIterationTime(cell.duration_s / static_cast<double>(cell.walks));
        }
      })
      ->UseManualTime()
      ->Iterations(1);
}

/// Counters about a cell's pages between unlinking and freeing.
void count_pages(benchmark::State& state, const CellMeasurement& cell) {
  const Footprint::Result& pages = cell.mmu.footprint;
  state.counters["zaps_per_second"] = static_cast<double>(cell.zaps) / cell.duration_s;
  state.counters["retired_pages_peak"] = static_cast<double>(pages.retired.peak);
  state.counters["retired_pages_mean"] = pages.retired.mean;
  state.counters["freed_by_drain"] = static_cast<double>(pages.freed_by_drain);
  state.counters["violations"] = static_cast<double>(cell.counts.violations);
  if (pages.free_ns.count() == 0) return;  // a scheme that never frees has no latency
  state.counters["free_ns_p50"] = static_cast<double>(pages.free_ns.quantile(0.5));
  state.counters["free_ns_p99"] = static_cast<double>(pages.free_ns.quantile(0.99));
}

/// Walkers, and a zapper that retires 50,000 leaf tables a second. The time is that of a walk. A walker goes from table
/// to table and touches one page in each. If it touched all of them, it would only fault them in again.
void reclaim(benchmark::State& state, std::string_view variant, const char* workload, unsigned vcpus) {
  CellConfig config;
  config.variant = variant;
  config.workload = workload;
  config.vcpus = vcpus;
  config.zap_rate = 50'000;
  config.locality = parse_locality("stride:512").value();  // pages of one leaf table
  config.working_set = 64 * 512;
  config.guest = GuestKind::thread;
  config.warmup = std::chrono::milliseconds(20);
  config.duration = std::chrono::milliseconds(200);
  for (auto _ : state) {
    const CellMeasurement cell = run_cell(prepare_cell(config));
    // On a busy host, possibly no burst lies within the window; then a walk took at least that long.
    state.SetIterationTime(cell.duration_s / static_cast<double>(std::max<std::uint64_t>(1, cell.walks)));
    count_pages(state, cell);
  }
}

/// Two workloads that touch and zap alike, except for the stall: every 40 ms, vCPU 0 stops inside a walk for 10 ms.
/// Meanwhile another vCPU faults in again what is zapped; otherwise there would soon be nothing to retire. (With one
/// vCPU, no vCPUs share a CPU in `oversubscribed`.)
void add_reclaim(const std::string& name, std::string_view variant, const std::string& absent = {}) {
  struct Walkers {
    const char* name;
    const char* workload;
    unsigned vcpus;
  };
  for (const Walkers& walkers : {Walkers{"steady", "oversubscribed", 1}, Walkers{"stalled", "stalled-walker", 2}}) {
    add(name + "/walker:" + walkers.name,
        [variant = std::string(variant), walkers, absent](benchmark::State& state) {
          if (!absent.empty()) return state.SkipWithError(absent.c_str());
          reclaim(state, variant, walkers.workload, walkers.vcpus);
        })
        ->UseManualTime()
        ->Iterations(1);
  }
}

/// The simulation's speed depends on what is simulated, so one variant of each kind of read side is measured.
bool is_projected(std::string_view variant) {
  constexpr std::array<std::string_view, 6> kOfEachKind = {"rcu-counter", "irq-ipi", "hazard", "qsbr", "mutex", "leak"};
  return std::find(kOfEachKind.begin(), kOfEachKind.end(), variant) != kOfEachKind.end();
}

/// Simulated cells: the real time per simulated walk, and the simulated walks per second. Over the numbers of vCPUs it
/// shows how the simulation's cost grows.
void project(benchmark::State& state, const std::string& variant) {
  const auto vcpus = static_cast<unsigned>(state.range(0));
  const coherence::Topology topology = projection::load_topology("epyc-9005");
  CellConfig config;
  config.name = config.variant = variant;
  config.workload = "mmio-poll";
  config.vcpus = vcpus;
  config.zappers = 0;
  config.warmup = std::chrono::nanoseconds(0);
  config.duration = std::chrono::microseconds(500);
  std::uint64_t walks = 0;
  double seconds = 0;
  for (auto _ : state) {
    const auto projected = projection::projected_variants().at(variant).project(config, topology);
    state.SetIterationTime(projected.wall_seconds);
    walks += projected.simulated_walks;
    seconds += projected.wall_seconds;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(walks));
  state.counters["ns_per_walk"] = seconds * 1e9 / static_cast<double>(walks);
}

}  // namespace

void register_cells() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!is_benched_in_depth(variant)) continue;
    for (const auto level : {Instrumentation::none, Instrumentation::light, Instrumentation::full}) {
      add_cell(variant, level);
    }
  }
}

void register_reclaims() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.can_zap && is_benched(variant) && !is_peer(variant))
      add_reclaim("reclaim/" + std::string(variant.info.name), variant.info.name);
  }
  for (const Peer& peer : peers()) add_reclaim("peer-reclaim/" + peer.path(), peer.variant_name(), peer.absent);
}

void register_projections() {
  for (const VariantEntry& variant : projection::projected_variants().entries()) {
    if (!variant.can_be_projected()) continue;
    const std::string name(variant.info.name);
    if (!is_projected(name)) continue;
    add("project/" + name, [name](benchmark::State& state) { project(state, name); })
        ->ArgName("vcpus")
        ->Arg(16)
        ->Arg(64)
        ->Arg(256)
        ->UseManualTime();
  }
}

}  // namespace shadowwalk::bench
