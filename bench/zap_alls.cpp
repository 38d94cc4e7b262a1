#include <algorithm>

#include "bench/bench_engine.hpp"
#include "bench/benched_variants.hpp"
#include "bench/families.hpp"
#include "bench/page_counts.hpp"
#include "bench/registration.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::bench {
namespace {

/// Zaps everything, N leaf tables and the levels above; the time is that of one page. Every round has a tree of its own
/// in memory that was not used before: recycled tables lie in another order, which would tell sizes apart by how often
/// they were recycled.
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

}  // namespace

void register_zap_alls() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!variant.can_zap || !is_benched_in_depth(variant)) continue;
    for (const std::uint64_t tables : kPageCounts) add_zap_all(variant, tables);
  }
}

}  // namespace shadowwalk::bench
