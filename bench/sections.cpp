#include <memory>

#include "bench/bench_engine.hpp"
#include "bench/benched_variants.hpp"
#include "bench/families.hpp"
#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"

namespace shadowwalk::bench {
namespace {

/// Every thread a vCPU of one engine that begins and ends sections around nothing.
void add_section(const VariantEntry& variant) {
  const auto shared = std::make_shared<SharedByThreads<BenchEngine>>();
  with_threads(add("section/" + std::string(variant.info.name), [shared, &variant](benchmark::State& state) {
    constexpr std::size_t kCapacity = 64;
    const auto vcpus = static_cast<unsigned>(state.threads());
    const auto engine = shared->get([&] {
      return std::make_shared<BenchEngine>(variant, BenchEngine::Options{.vcpus = vcpus, .capacity = kCapacity});
    });
    BenchVcpu vcpu(*engine, static_cast<unsigned>(state.thread_index()));
    while (state.KeepRunningBatch(kBlock)) vcpu.engine_vcpu().empty_sections(kBlock);
    state.SetItemsProcessed(state.iterations());
  }));
}

}  // namespace

void register_sections() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.can_zap && is_benched(variant) && !is_peer(variant)) add_section(variant);  // the floor has no sections
  }
}

}  // namespace shadowwalk::bench
