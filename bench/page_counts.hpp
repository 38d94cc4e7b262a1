#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "bench/bench_engine.hpp"

namespace shadowwalk::bench {

/// Leaf tables of the families that grow (`pages:N`). The levels above add 0.2 %.
inline constexpr std::uint64_t kPageCounts[] = {1'000, 10'000, 100'000, 1'000'000};

/// Pages that a tree of `leaf_tables` takes at most, all levels counted.
std::size_t pages_of_tree(std::uint64_t leaf_tables);

/// Skips the benchmark, with the reason, if `pages` shadow pages would take more than half of the available memory.
bool skip_for_memory(benchmark::State& state, std::size_t pages);

/// "pages:1000"
std::string pages_suffix(std::uint64_t pages);

/// Faults every table in, one access each.
void build_tables(BenchVcpu& vcpu, std::uint64_t leaf_tables);

}  // namespace shadowwalk::bench
