#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <exception>
#include <string>

namespace shadowwalk::bench {

/// Operations between two looks at the benchmark's state, so that what is timed is the operation and not Google
/// Benchmark's loop. Floors, and what is held against them, share it.
inline constexpr benchmark::IterationCount kBlock = 1024;

/// A benchmark could not run although it should have (a skip for lack of a device is none): the exit code is 1 then.
inline std::atomic<bool> any_failed{false};

/// Registers `run(State&)`. An exception ends that benchmark with its message, and the others go on.
template <class Run>
benchmark::internal::Benchmark* add(const std::string& name, Run run) {
  return benchmark::RegisterBenchmark(name.c_str(), [run](benchmark::State& state) {
    try {
      run(state);
    } catch (const std::exception& error) {
      any_failed = true;
      state.SkipWithError(error.what());
    }
  });
}

}  // namespace shadowwalk::bench
