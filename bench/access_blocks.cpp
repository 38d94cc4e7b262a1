#include "bench/access_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "harness/guest/guest.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/measure/memory.hpp"
#include "harness/mmu/geometry.hpp"
#include "workloads/guest/guest_program.hpp"

namespace shadowwalk::bench {

AccessBlocks AccessBlocks::mmio_poll(unsigned vcpu) {
  constexpr std::size_t kBlocks = 8;  // small beside a cache, yet too long for a branch predictor to learn
  GuestConfig config;
  config.params = uniform_guest(CellConfig().working_set, 0, /*mmio_percent=*/100);
  GuestProgramState state = initial_state(config, vcpu);
  std::vector<Access> accesses(kBlocks * kBlock);
  guest_program().produce(state, accesses);
  return AccessBlocks(std::move(accesses));
}

AccessBlocks AccessBlocks::one_per_table(std::uint64_t tables) {
  std::vector<std::uint64_t> order(tables);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  std::vector<Access> accesses((tables + kBlock - 1) / kBlock * kBlock);
  for (std::size_t i = 0; i < accesses.size(); ++i) accesses[i] = access_to_table(order[i % tables]);
  return AccessBlocks(std::move(accesses));
}

Access access_to_table(std::uint64_t table) {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: neighbours land far apart
  const std::uint64_t entry = (table * kSpread) >> (64 - MeasuredGeometry::kIndexBits);
  return Access::make(table * MeasuredGeometry::kEntries + entry, AccessKind::mmio);
}

std::size_t pages_of_tree(std::uint64_t leaf_tables) {
  std::size_t pages = 0;
  std::uint64_t tables = leaf_tables;
  for (int level = 1; level <= MeasuredGeometry::kLevels; ++level) {
    pages += tables;
    tables = tables / MeasuredGeometry::kEntries + 1;
  }
  return pages;
}

bool skip_for_memory(benchmark::State& state, std::size_t pages) {
  constexpr double kGiB = 1 << 30;
  const double needed = static_cast<double>(pages) * kPageBytes;
  const auto available = static_cast<double>(available_memory_bytes());
  if (needed <= available / 2) return false;
  state.SkipWithError(fmt::format("needs {:.1f} GiB of shadow pages, more than half of the {:.1f} GiB available",
                                  needed / kGiB, available / kGiB)
                          .c_str());
  return true;
}

std::string pages_suffix(std::uint64_t pages) { return fmt::format("pages:{}", pages); }

void build_tables(BenchVcpu& vcpu, std::uint64_t leaf_tables) {
  std::array<Access, kBlock> block;
  for (std::uint64_t table = 0; table < leaf_tables;) {
    std::size_t filled = 0;
    while (filled < block.size() && table < leaf_tables) block[filled++] = access_to_table(table++);
    vcpu.walk(std::span(block).first(filled));
  }
}

}  // namespace shadowwalk::bench
