#include <algorithm>

#include "bench/bench_engine.hpp"
#include "bench/families.hpp"
#include "bench/page_counts.hpp"
#include "bench/registration.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::bench {
namespace {

/// Zaps everything, N leaf tables and the levels above; the time is that of one page. Then all of it is built anew.
void add_zap_all(const VariantEntry& variant, std::uint64_t tables) {
  constexpr std::uint64_t kLeastPages = 100'000;
  const auto batch = static_cast<benchmark::IterationCount>(tables);
  const auto rounds = static_cast<benchmark::IterationCount>(std::max<std::uint64_t>(1, kLeastPages / tables));
  add("zap_all/" + std::string(variant.info.name) + "/" + pages_suffix(tables),
      [&variant, tables, batch, rounds](benchmark::State& state) {
        // A tree a round: a scheme may never free.
        const std::size_t pages = pages_of_tree(tables) * static_cast<std::size_t>(rounds);
        if (skip_for_memory(state, pages)) return;
        BenchEngine engine(variant, {.capacity = pages});
        BenchVcpu vcpu(engine, 0);
        while (state.KeepRunningBatch(batch)) {
          build_tables(vcpu, tables);
          const std::uint64_t start = CycleClock::now();
          const std::size_t zapped = vcpu.zap(HostAction::zap_everything);
          state.SetIterationTime(CycleClock::to_ns(CycleClock::now() - start) / 1e9);
          if (zapped < tables) throw CellError("zap-everything left pages behind");
        }
        state.SetItemsProcessed(state.iterations());
      })
      ->UseManualTime()
      ->Iterations(batch * rounds);
}

}  // namespace

void register_zap_alls() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!variant.can_zap) continue;
    for (const std::uint64_t tables : kPageCounts) add_zap_all(variant, tables);
  }
}

}  // namespace shadowwalk::bench
