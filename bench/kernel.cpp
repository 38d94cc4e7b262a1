#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/registration.hpp"
#include "harness/kernel/device.hpp"
#include "harness/kernel/floor_times.hpp"
#include "harness/kernel/kernel_cell.hpp"

namespace shadowwalk::bench {
namespace {

/// One call of the module's for all iterations; the time is that of one operation on one CPU.
void time_row(benchmark::State& state, const kernel::Device& device, std::uint32_t index,
              const std::vector<unsigned>& cpus) {
  const std::span<const unsigned> used = std::span(cpus).first(static_cast<std::size_t>(state.range(0)));
  const auto iterations = state.max_iterations;
  kernel::FloorTime one;
  while (state.KeepRunningBatch(iterations)) {
    one = kernel::time_of_one(device.time_floor(index, used, static_cast<std::uint64_t>(iterations)));
    constexpr double kNsPerSecond = 1e9;
    state.SetIterationTime(one.ns * static_cast<double>(iterations) / kNsPerSecond);
  }
  if (one.cycles) state.counters["cycles"] = *one.cycles;
  state.SetItemsProcessed(state.iterations());
}

/// Listed, and skipped with the reason.
void add_absent(std::string why) {
  add("kernel/floor", [why = std::move(why)](benchmark::State& state) { state.SkipWithError(why.c_str()); });
}

}  // namespace

void register_kernel() {
  if (const std::string_view untimed = kernel::why_untimed(); !untimed.empty()) return add_absent(std::string(untimed));
  if (std::string why = kernel::why_no_device(); !why.empty()) return add_absent(std::move(why));
  const auto device = std::make_shared<const kernel::Device>();
  const std::vector<unsigned> cpus = kernel::cpus_for_floors();
  for (const shadowwalk_floor& row : device->floors()) {
    const std::vector<unsigned> counts = kernel::cpu_counts(row, static_cast<unsigned>(cpus.size()));
    if (counts.empty()) continue;  // there are no others to interrupt
    auto* const benchmark =
        add("kernel/" + kernel::text_of(row.name),
            [device, cpus, index = row.index](benchmark::State& state) { time_row(state, *device, index, cpus); })
            ->ArgName("cpus")
            ->UseManualTime();
    for (const unsigned count : counts) benchmark->Arg(count);
  }
}

}  // namespace shadowwalk::bench
