#include "bench/threads.hpp"

#include "harness/machine/check.hpp"
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

PinnedThread::PinnedThread(unsigned index) {
  const auto cpu = cpu_of(index);  // first, so that it sees all CPUs
  SHADOWWALK_CHECK(sched_getaffinity(0, sizeof(before_), &before_) == 0, "sched_getaffinity failed");
  if (cpu) pin_this_thread(*cpu);
}

PinnedThread::~PinnedThread() { sched_setaffinity(0, sizeof(before_), &before_); }

benchmark::internal::Benchmark* with_threads(benchmark::internal::Benchmark* benchmark) {
  return benchmark->ThreadRange(1, static_cast<int>(usable_cpus()));
}

}  // namespace shadowwalk::bench
