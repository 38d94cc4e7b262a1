#include <algorithm>
#include <string>

#include "bench/access_blocks.hpp"
#include "bench/bench_engine.hpp"
#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/memory.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk::bench {
namespace {

/// The time of the variant's commit() of one leaf page without walks: flush, waiting, freeing or handing over, by the
/// engine's own clock. Between two commits the page is faulted back in.
void add_commit(const VariantEntry& variant) {
  constexpr std::uint64_t kTables = 64;
  constexpr benchmark::IterationCount kCommits = 1 << 15;  // a scheme that never frees takes 128 MiB for them
  add("commit/" + std::string(variant.info.name),
      [&variant](benchmark::State& state) {
        BenchEngine engine(variant, {.capacity = kCommits + 2 * pages_of_tree(kTables),
                                     .instrumentation = Instrumentation::light,
                                     .window_open = true});
        BenchVcpu vcpu(engine, 0);
        build_tables(vcpu, kTables);
        const Histogram& commit_ns = engine.engine().records().zap_times.commit_ns;
        std::uint64_t table = 0;
        for (auto _ : state) {
          const std::uint64_t before = commit_ns.sum();
          if (vcpu.zap({.kind = HostAction::Kind::zap_oldest, .level = 1}) != 1)
            throw CellError("the oldest leaf page was not there to be zapped");
          state.SetIterationTime(static_cast<double>(commit_ns.sum() - before) / 1e9);
          const Access access[] = {access_to_table(table)};  // pages are zapped in the order in which they were made
          vcpu.walk(access);
          if (++table == kTables) table = 0;
        }
        state.SetItemsProcessed(state.iterations());
      })
      ->UseManualTime()
      ->Iterations(kCommits);
}

/// Zaps everything: N leaf tables and the levels above. The time is that of one page. Every round builds its tree in
/// memory that was not used before: recycled tables lie in another order, so sizes would differ by how often their
/// tables were recycled.
void add_zap_all(const VariantEntry& variant, std::uint64_t tables) {
  constexpr std::uint64_t kLeastPages = 100'000;
  const auto batch = static_cast<benchmark::IterationCount>(tables);
  const auto rounds = static_cast<benchmark::IterationCount>(std::max<std::uint64_t>(1, kLeastPages / tables));
  add("zap_all/" + std::string(variant.info.name) + "/" + pages_suffix(tables), [&variant, tables,
                                                                                 batch](benchmark::State& state) {
    const std::size_t pages = pages_of_tree(tables);
    if (skip_for_memory(state, pages)) return;
    while (state.KeepRunningBatch(batch)) {
      state.PauseTiming();
      {
        BenchEngine engine(variant, {.capacity = pages});
        BenchVcpu vcpu(engine, 0);
        build_tables(vcpu, tables);
        state.ResumeTiming();
        const std::size_t zapped = vcpu.zap({.kind = HostAction::Kind::zap_everything});
        state.PauseTiming();
        if (zapped < tables) throw CellError("zap-everything left pages behind");
      }
      state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations());
  })->Iterations(batch * rounds);
}

std::uint64_t bytes_of(const std::string& file, const std::string& key) {
  const auto bytes = meminfo_bytes(os::read_if_readable(file).value_or(""), key);
  if (!bytes) throw CellError(file + " has no " + key);
  return *bytes;
}

/// Resident memory and the page tables that map it. smaps_rollup is exact; /proc/self/statm is an estimate.
std::uint64_t process_bytes() {
  return bytes_of("/proc/self/smaps_rollup", "Rss") + bytes_of("/proc/self/status", "VmPTE");
}

/// How much the process grows, per shadow page, with an engine and a tree of N leaf tables. The time is that of
/// faulting one page in.
void add_memory(const VariantEntry& variant, std::uint64_t tables) {
  const auto batch = static_cast<benchmark::IterationCount>(tables);
  add("memory/" + std::string(variant.info.name) + "/" + pages_suffix(tables), [&variant, tables,
                                                                                batch](benchmark::State& state) {
    const std::size_t capacity = pages_of_tree(tables);
    if (skip_for_memory(state, capacity)) return;
    process_bytes();  // what the first call allocates must not count as the tree's
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

void register_commits() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.can_zap && is_benched(variant) && !is_peer(variant)) add_commit(variant);
  }
}

void register_zap_alls() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!variant.can_zap || !is_benched_in_depth(variant)) continue;
    for (const std::uint64_t tables : kPageCounts) add_zap_all(variant, tables);
  }
}

void register_memory() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!variant.can_zap || !is_benched_in_depth(variant)) continue;  // the floor does not count its pages
    for (const std::uint64_t tables : kPageCounts) add_memory(variant, tables);
  }
}

}  // namespace shadowwalk::bench
