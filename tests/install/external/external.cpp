// Runs a cell with a scheme of its own beside a shipped one; prints the result of its own as JSON.
#include <cstdio>

#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/registry.hpp"
#include "keep_last.hpp"
#include "variants/pointers/hazard.hpp"

int main() {
  using namespace shadowwalk;
  Registry& registry = Registry::instance();
  registry.add(variant_entry<KeepLast>());
  if (registry.find(Hazard<NativeMachine>::kInfo.name) == nullptr) return 1;

  CellConfig config;
  config.name = "keep-last";
  config.variant = "keep-last";
  config.workload = "mmio-poll";
  config.duration = std::chrono::milliseconds(100);
  config.warmup = std::chrono::milliseconds(10);
  config.command = "external";
  const CellOutcome outcome = run_cell_benchmark(config, {}, /*summary=*/false);
  std::puts(outcome.json.c_str());
  return outcome.error.empty() && !outcome.caught_unsafe ? 0 : 1;
}
