#include "bench/access_blocks.hpp"
#include "bench/bench_engine.hpp"
#include "bench/benched_variants.hpp"
#include "bench/families.hpp"
#include "bench/page_counts.hpp"
#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::bench {
namespace {

/// What the variant's commit() of one leaf page takes, nobody walking: flush, waiting, freeing or handing over, by the
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
          const Access access[] = {access_to_table(table)};  // pages are zapped in the order of their making
          vcpu.walk(access);
          if (++table == kTables) table = 0;
        }
        state.SetItemsProcessed(state.iterations());
      })
      ->UseManualTime()
      ->Iterations(kCommits);
}

}  // namespace

void register_commits() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.can_zap && is_benched(variant) && !is_peer(variant)) add_commit(variant);
  }
}

}  // namespace shadowwalk::bench
