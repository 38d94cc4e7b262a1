#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/registration.hpp"
#include "bench/threads.hpp"
#include "harness/host/guest_mode_vcpus.hpp"
#include "harness/machine/cpu.hpp"

namespace shadowwalk::bench {
namespace {

/// The others' CPUs: index 0 is the sender's.
std::vector<std::optional<unsigned>> target_cpus(std::int64_t count) {
  std::vector<std::optional<unsigned>> cpus;
  for (std::int64_t i = 1; i <= count; ++i) cpus.push_back(cpu_of(static_cast<unsigned>(i)));
  return cpus;
}

/// From the request until the last vCPU has acknowledged.
void signal_ipi(benchmark::State& state) {
  const host::GuestModeVcpus targets(target_cpus(state.range(0)));
  const PinnedThread pinned(0);
  for (auto _ : state) state.SetIterationTime(targets.time_signal_ipi() / 1e9);
}

void membarrier_ipi(benchmark::State& state) {
  if (const std::string refused = register_membarrier(); !refused.empty()) {
    state.SkipWithError(refused.c_str());
    return;
  }
  const host::GuestModeVcpus targets(target_cpus(state.range(0)));
  const PinnedThread pinned(0);
  for (auto _ : state) membarrier_all();
}

benchmark::internal::Benchmark* with_targets(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("targets");
  const unsigned most = usable_cpus() - 1;
  for (unsigned targets = 1; targets < most; targets *= 2) benchmark->Arg(targets);
  return benchmark->Arg(std::max(1u, most));  // a single CPU: sender and target take turns on it
}

}  // namespace

void register_ipis() {
  with_targets(add("ipi/signal", signal_ipi))->UseManualTime();
  with_targets(add("ipi/membarrier", membarrier_ipi))->UseRealTime();
}

}  // namespace shadowwalk::bench
