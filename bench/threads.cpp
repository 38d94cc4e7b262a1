#include "bench/threads.hpp"

#include "harness/machine/placement.hpp"

namespace shadowwalk::bench {
namespace {

// Read once: hwloc takes longer than most benchmarks.
const Placement& placement() {
  static const Placement placement = Placement::parse("auto");
  return placement;
}

}  // namespace

unsigned usable_cpus() { return static_cast<unsigned>(placement().cpus()); }

std::optional<unsigned> cpu_of(unsigned index) { return placement().cpu_of(index); }

PinnedThread::PinnedThread(unsigned index)
    : affinity_(cpu_of(index)) {}  // the placement is read first: it sees all CPUs

benchmark::internal::Benchmark* with_threads(benchmark::internal::Benchmark* benchmark) {
  return benchmark->ThreadRange(1, static_cast<int>(usable_cpus()));
}

}  // namespace shadowwalk::bench
