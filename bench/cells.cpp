#include <chrono>
#include <string>

#include "bench/benched_variants.hpp"
#include "bench/families.hpp"
#include "bench/registration.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::bench {
namespace {

/// A short cell as `shadowwalk cell` runs it, nobody zapping: what the lab's own measuring costs shows in what is left
/// of the walks. The time is the window over the walks, the guest's work included.
void add_cell(const VariantEntry& variant, Instrumentation level) {
  add("cell/" + std::string(variant.info.name) + "/instrumentation:" + to_string(level),
      [&variant, level](benchmark::State& state) {
        CellConfig config;
        config.variant = variant.info.name;
        config.workload = "mmio-poll";
        config.zappers = 0;
        config.guest = GuestKind::thread;
        config.warmup = std::chrono::milliseconds(20);
        config.duration = std::chrono::milliseconds(100);
        config.instrumentation = level;
        for (auto _ : state) {
          const CellMeasurement cell = run_cell(prepare_cell(config));
          if (cell.walks == 0) throw CellError("no walk in the window");
          state.SetIterationTime(cell.duration_s / static_cast<double>(cell.walks));
        }
      })
      ->UseManualTime()
      ->Iterations(1);
}

}  // namespace

void register_cells() {
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (!is_benched_in_depth(variant)) continue;
    for (const auto level : {Instrumentation::none, Instrumentation::light, Instrumentation::full}) {
      add_cell(variant, level);
    }
  }
}

}  // namespace shadowwalk::bench
