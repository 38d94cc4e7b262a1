#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <string>
#include <string_view>

#include "harness/lab/registry.hpp"

namespace shadowwalk::bench {

/// Operations per call of KeepRunningBatch(), so that the operation is timed and not Google Benchmark's loop. Floors
/// and what is compared with them share it.
inline constexpr benchmark::IterationCount kBlock = 1024;

/// Whether a benchmark failed; the exit code is 1 then. A benchmark that is skipped for lack of a device has not
/// failed.
inline std::atomic<bool> any_failed{false};

/// Registers `run(State&)`. An exception ends that benchmark with its message; the other benchmarks go on.
template <class Run>
benchmark::internal::Benchmark* add(const std::string& name, Run run) {
  return benchmark::RegisterBenchmark(name.c_str(), [run](benchmark::State& state) {
    try {
      run(state);
    } catch (const std::exception& error) {
      any_failed = true;
      state.SkipWithError(error.what());
    }
  });
}

/// Families that measure a scheme's cost have each variant that runs on this host. Negative twins lack a barrier, so
/// their cost says nothing.
inline bool is_benched(const VariantEntry& variant) {
  return variant.info.family != Family::negative && why_unavailable(variant.info).empty();
}

/// Families that measure the engine's cost (memory, cells, trees of many pages) have these, one of each kind: what a
/// scheme adds is the same in all families.
inline bool is_benched_in_depth(const VariantEntry& variant) {
  constexpr std::array<std::string_view, 10> kOfEachKind = {
      "rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "hazard-eras", "hyaline", "mutex", "leak", "unsafe", "floor"};
  return std::find(kOfEachKind.begin(), kOfEachKind.end(), variant.info.name) != kOfEachKind.end();
}

/// Each registers one family of benchmarks with Google Benchmark (docs/bench.md lists them). Call each once, after the
/// registry's variants are known, peers and plug-ins included: families over variants hold one benchmark for every
/// entry of the registry.
void register_floors();       ///< floor/xchg, floor/atomic_inc_shared, floor/rcu_counter_by_hand
void register_walks();        ///< floor/pointer_chase, walk/{variant}, peer/{library}/{scheme}
void register_reclaims();     ///< reclaim/{variant}/walker:W, peer-reclaim/{library}/{scheme}/walker:W
void register_cells();        ///< cell/{variant}/instrumentation:LEVEL
void register_sections();     ///< section/{variant}
void register_commits();      ///< commit/{variant}
void register_zap_alls();     ///< zap_all/{variant}/pages:N
void register_memory();       ///< memory/{variant}/pages:N
void register_ipis();         ///< ipi/signal, ipi/membarrier
void register_exits();        ///< exit/mmio, exit/doorbell, and the same below floor/kvm_run/
void register_kernel();       ///< kernel/floor/{primitive}, kernel/section/{variant}
void register_projections();  ///< project/{variant}/vcpus:N

}  // namespace shadowwalk::bench
