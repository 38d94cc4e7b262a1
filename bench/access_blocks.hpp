#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/bench_engine.hpp"
#include "bench/registration.hpp"
#include "harness/guest/access.hpp"

namespace shadowwalk::bench {

/// Accesses in blocks of kBlock, walked again and again.
class AccessBlocks {
 public:
  /// What vCPU `vcpu` of the workload mmio-poll does with a cell's default working set.
  static AccessBlocks mmio_poll(unsigned vcpu);
  /// One access to each of `tables` leaf tables, in random order; the last block is filled up from the beginning.
  static AccessBlocks one_per_table(std::uint64_t tables);

  std::span<const Access> all() const { return accesses_; }
  std::span<const Access> next_block() {
    const std::span<const Access> block = all().subspan(next_, kBlock);
    next_ += kBlock;
    if (next_ == accesses_.size()) next_ = 0;
    return block;
  }

 private:
  explicit AccessBlocks(std::vector<Access> accesses) : accesses_(std::move(accesses)) {}

  std::vector<Access> accesses_;
  std::size_t next_ = 0;
};

/// The access that needs leaf table `table`, through an entry that differs from table to table. The first entry
/// of every table would compete for the same few cache sets.
Access access_to_table(std::uint64_t table);

/// Leaf tables of the families that grow (`pages:N`). The levels above add 0.2 %.
inline constexpr std::uint64_t kPageCounts[] = {1'000, 10'000, 100'000, 1'000'000};

/// Pages that a tree of `leaf_tables` takes at most, over all levels.
std::size_t pages_of_tree(std::uint64_t leaf_tables);

/// Skips the benchmark, with the reason, if `pages` shadow pages would take more than half of the available memory.
bool skip_for_memory(benchmark::State& state, std::size_t pages);

/// "pages:1000"
std::string pages_suffix(std::uint64_t pages);

/// Faults in every table, with one access per table.
void build_tables(BenchVcpu& vcpu, std::uint64_t leaf_tables);

}  // namespace shadowwalk::bench
