#include <algorithm>
#include <memory>
#include <vector>

#include "bench/access_blocks.hpp"
#include "bench/bench_engine.hpp"
#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"

namespace shadowwalk::bench {
namespace {

constexpr std::string_view kFloor = "floor";
constexpr std::size_t kCapacity = 1024;  // many times what the default working set takes

std::string name_of(const VariantEntry& variant) {
  if (variant.info.name == kFloor) return "floor/pointer_chase";
  return (is_peer(variant) ? "" : "walk/") + std::string(variant.info.name);
}

void walk_blocks(benchmark::State& state, BenchVcpu& vcpu, AccessBlocks& stream) {
  while (state.KeepRunningBatch(kBlock)) vcpu.walk(stream.next_block());
  state.SetItemsProcessed(state.iterations());
}

/// An engine with a cell's default working set mapped, so that its threads only walk.
std::shared_ptr<BenchEngine> make_mapped_engine(const VariantEntry& variant, unsigned vcpus, unsigned index) {
  auto engine = std::make_shared<BenchEngine>(variant, BenchEngine::Options{.vcpus = vcpus, .capacity = kCapacity});
  BenchVcpu vcpu(*engine, index);
  std::vector<Access> every_page;
  for (std::uint64_t gfn = 0; gfn < CellConfig().working_set; ++gfn) {
    every_page.push_back(Access::make(gfn, AccessKind::mmio));
  }
  vcpu.walk(every_page);
  return engine;
}

/// Every thread is a vCPU of one engine and walks over a cell's default working set, without zaps.
void add_walk(const VariantEntry& variant) {
  const auto shared = std::make_shared<SharedByThreads<BenchEngine>>();
  with_threads(add(name_of(variant), [shared, &variant](benchmark::State& state) {
    const auto vcpus = static_cast<unsigned>(state.threads());
    const auto index = static_cast<unsigned>(state.thread_index());
    const auto engine = shared->get([&] { return make_mapped_engine(variant, vcpus, index); });
    AccessBlocks stream = AccessBlocks::mmio_poll(index);
    BenchVcpu vcpu(*engine, index);
    vcpu.walk(stream.all());  // into the caches
    walk_blocks(state, vcpu, stream);
  }));
}

/// A peer that this build lacks is listed, and skipped with the reason.
void add_absent(const Peer& peer) {
  with_threads(
      add(peer.variant_name(), [why = peer.absent](benchmark::State& state) { state.SkipWithError(why.c_str()); }));
}

/// One vCPU that walks to N tables in random order, equally often to each.
void add_walk_over_pages(const VariantEntry& variant, std::uint64_t tables) {
  constexpr std::uint64_t kLeastWalks = 2'000'000;
  const auto iterations = static_cast<benchmark::IterationCount>(std::max(kLeastWalks, 2 * tables));
  add(name_of(variant) + "/" + pages_suffix(tables), [&variant, tables](benchmark::State& state) {
    const std::size_t pages = pages_of_tree(tables);
    if (skip_for_memory(state, pages)) return;
    BenchEngine engine(variant, {.capacity = pages});
    AccessBlocks stream = AccessBlocks::one_per_table(tables);
    BenchVcpu vcpu(engine, 0);
    build_tables(vcpu, tables);
    walk_blocks(state, vcpu, stream);
  })->Iterations(iterations);
}

/// Every thread is a vCPU of one engine and begins and ends empty sections.
void add_section(const VariantEntry& variant) {
  const auto shared = std::make_shared<SharedByThreads<BenchEngine>>();
  with_threads(add("section/" + std::string(variant.info.name), [shared, &variant](benchmark::State& state) {
    constexpr std::size_t kFewPages = 64;
    const auto vcpus = static_cast<unsigned>(state.threads());
    const auto engine = shared->get([&] {
      return std::make_shared<BenchEngine>(variant, BenchEngine::Options{.vcpus = vcpus, .capacity = kFewPages});
    });
    BenchVcpu vcpu(*engine, static_cast<unsigned>(state.thread_index()));
    while (state.KeepRunningBatch(kBlock)) vcpu.engine_vcpu().empty_sections(kBlock);
    state.SetItemsProcessed(state.iterations());
  }));
}

}  // namespace

void register_walks() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!is_benched(variant)) continue;
    add_walk(variant);
    if (!is_benched_in_depth(variant)) continue;
    for (const std::uint64_t tables : kPageCounts) add_walk_over_pages(variant, tables);
  }
  for (const Peer& peer : peers()) {
    if (!peer.absent.empty()) add_absent(peer);
  }
}

void register_sections() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.can_zap && is_benched(variant) && !is_peer(variant)) add_section(variant);  // the floor has no sections
  }
}

}  // namespace shadowwalk::bench
