#include <fstream>
#include <string>

#include "bench/bench_engine.hpp"
#include "bench/benched_variants.hpp"
#include "bench/families.hpp"
#include "bench/page_counts.hpp"
#include "bench/registration.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::bench {
namespace {

std::uint64_t kib_line(const char* file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string word; stream >> word;) {
    std::uint64_t kib = 0;
    if (word == key && stream >> kib) return kib * 1024;
  }
  throw CellError(std::string(file) + " has no " + key);
}

/// Resident memory and the page tables that map it. smaps_rollup counts, where /proc/self/statm only estimates.
std::uint64_t process_bytes() {
  return kib_line("/proc/self/smaps_rollup", "Rss:") + kib_line("/proc/self/status", "VmPTE:");
}

/// How much the process grows by an engine with a tree of N leaf tables, per shadow page; the time is what it takes to
/// fault a page in.
void add_memory(const VariantEntry& variant, std::uint64_t tables) {
  const auto batch = static_cast<benchmark::IterationCount>(tables);
  add("memory/" + std::string(variant.info.name) + "/" + pages_suffix(tables), [&variant, tables,
                                                                                batch](benchmark::State& state) {
    const std::size_t capacity = pages_of_tree(tables);
    if (skip_for_memory(state, capacity)) return;
    process_bytes();  // what the first look allocates is not the tree's
    const std::uint64_t before = process_bytes();
    BenchEngine engine(variant, {.capacity = capacity});
    BenchVcpu vcpu(engine, 0);
    while (state.KeepRunningBatch(batch)) build_tables(vcpu, tables);
    const auto bytes = static_cast<double>(process_bytes() - before);
    const auto pages = static_cast<double>(engine.engine().records().footprint.shadow());
    state.counters["shadow_pages"] = pages;
    state.counters["bytes_per_page"] = bytes / pages;
    state.counters["bytes_over_tables"] = bytes / pages / static_cast<double>(kPageBytes);
    state.SetItemsProcessed(state.iterations());
  })->Iterations(batch);
}

}  // namespace

void register_memory() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!variant.can_zap || !is_benched_in_depth(variant)) continue;  // the floor keeps no account of its pages
    for (const std::uint64_t tables : kPageCounts) add_memory(variant, tables);
  }
}

}  // namespace shadowwalk::bench
