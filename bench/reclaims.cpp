#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/benched_variants.hpp"
#include "bench/families.hpp"
#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/registry.hpp"
#include "workloads/guest_knobs.hpp"

namespace shadowwalk::bench {
namespace {

/// What a benchmark's counters say of a cell's pages between unlinking and freeing.
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
/// to table and touches one page in each: did it touch them all, it would do nothing but fault them in again.
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
    const CellMeasurement cell = run_cell(config);
    // On a host that is busy with others no burst may lie within the window: then a walk took that long at least.
    state.SetIterationTime(cell.duration_s / static_cast<double>(std::max<std::uint64_t>(1, cell.walks)));
    count_pages(state, cell);
  }
}

/// Two workloads that touch and zap alike, but for the stall: vCPU 0 stands for 10 ms inside a walk, every 40, while
/// another faults in again what is zapped: else there would soon be nothing to retire. (With one vCPU none shares a CPU
/// in `oversubscribed`.)
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

}  // namespace

void register_reclaims() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.can_zap && is_benched(variant) && !is_peer(variant))
      add_reclaim("reclaim/" + std::string(variant.info.name), variant.info.name);
  }
  for (const Peer& peer : peers()) add_reclaim("peer-reclaim/" + peer.path(), peer.variant_name(), peer.absent);
}

}  // namespace shadowwalk::bench
