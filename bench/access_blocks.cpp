#include "bench/access_blocks.hpp"

#include <algorithm>
#include <numeric>
#include <random>

#include "harness/guest/guest_state.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/mmu/geometry.hpp"
#include "workloads/guest/guest_program.hpp"
#include "workloads/guest/guest_shapes.hpp"

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

}  // namespace shadowwalk::bench
