// A program of somebody else that has the lab inside: runs a cell and prints its result as JSON.
#include <cstdio>

#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/native_machine.hpp"
#include "variants/pointers/hazard.hpp"

int main() {
  using namespace shadowwalk;
  CellConfig config;
  config.variant = Hazard<NativeMachine>::kInfo.name;
  if (Registry::instance().find(config.variant) == nullptr) return 1;
  config.name = config.variant;
  config.workload = "mmio-poll";
  config.duration = std::chrono::milliseconds(100);
  config.warmup = std::chrono::milliseconds(10);
  config.command = "external";
  const CellOutcome outcome = run_cell_benchmark(prepare_cell(config), {}, /*summary=*/false);
  std::puts(outcome.json.c_str());
  return outcome.error.empty() && !outcome.caught_unsafe ? 0 : 1;
}
