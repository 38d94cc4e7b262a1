#pragma once

#include <benchmark/benchmark.h>

#include "bench/registration.hpp"
#include "harness/guest/guest.hpp"

namespace shadowwalk::bench {

/// The KVM guest of the exit benchmarks: one vCPU that polls devices. `burst` 1: each access is an MMIO exit; more: so
/// many go through the ring with each doorbell.
GuestConfig exit_guest(unsigned burst);

/// Skips the benchmark, with the reason, where KVM guests cannot run.
bool skip_without_kvm(benchmark::State& state);

/// Registers `run(State&, burst)` as PREFIX/mmio and PREFIX/doorbell, which both sides of the comparison do.
template <class Run>
void add_exits(const std::string& prefix, Run run) {
  add(prefix + "/mmio", [run](benchmark::State& state) {
    if (!skip_without_kvm(state)) run(state, 1);
  })->UseRealTime();
  add(prefix + "/doorbell",
      [run](benchmark::State& state) {
        if (!skip_without_kvm(state)) run(state, static_cast<unsigned>(state.range(0)));
      })
      ->ArgName("burst")
      ->Arg(2)     // the exit as such: the least that rings
      ->Arg(1024)  // a cell's default
      ->UseRealTime();
}

}  // namespace shadowwalk::bench
