#include "bench/page_counts.hpp"

#include <fmt/format.h>

#include <array>

#include "bench/access_blocks.hpp"
#include "harness/measure/memory.hpp"
#include "harness/mmu/geometry.hpp"

namespace shadowwalk::bench {

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
