#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "bench/families.hpp"
#include "bench/registration.hpp"
#include "harness/projection/projection.hpp"
#include "harness/projection/topology_file.hpp"

namespace shadowwalk::bench {
namespace {

/// How fast the simulation is depends on what is simulated: of each kind of read side one.
bool is_projected(std::string_view variant) {
  constexpr std::array<std::string_view, 6> kOfEachKind = {"rcu-counter", "irq-ipi", "hazard", "qsbr", "mutex", "leak"};
  return std::find(kOfEachKind.begin(), kOfEachKind.end(), variant) != kOfEachKind.end();
}

/// Cells that are simulated: real time of one simulated walk, and how many there are a second. Over vCPUs it tells how
/// the simulation's cost grows.
void project(benchmark::State& state, const std::string& variant) {
  const auto vcpus = static_cast<unsigned>(state.range(0));
  const coherence::Topology topology = projection::load_topology("epyc-9005");
  CellConfig config;
  config.name = config.variant = variant;
  config.workload = "mmio-poll";
  config.vcpus = vcpus;
  config.zappers = 0;
  config.warmup = std::chrono::nanoseconds(0);
  config.duration = std::chrono::microseconds(500);
  std::uint64_t walks = 0;
  double seconds = 0;
  for (auto _ : state) {
    const auto projected = projection::projected_variants().at(variant).project(config, topology);
    state.SetIterationTime(projected.wall_seconds);
    walks += projected.simulated_walks;
    seconds += projected.wall_seconds;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(walks));
  state.counters["ns_per_walk"] = seconds * 1e9 / static_cast<double>(walks);
}

}  // namespace

void register_projections() {
  for (const VariantEntry& variant : projection::projected_variants().entries()) {
    if (!variant.can_be_projected()) continue;
    const std::string name(variant.info.name);
    if (!is_projected(name)) continue;
    add("project/" + name, [name](benchmark::State& state) { project(state, name); })
        ->ArgName("vcpus")
        ->Arg(16)
        ->Arg(64)
        ->Arg(256)
        ->UseManualTime();
  }
}

}  // namespace shadowwalk::bench
