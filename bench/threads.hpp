#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <mutex>
#include <optional>

#include "harness/os/scoped_affinity.hpp"

namespace shadowwalk::bench {

/// Number of CPUs that a benchmark's threads can be pinned to.
unsigned usable_cpus();
/// The CPU of a benchmark's thread, as for a cell (`--placement auto`); nothing: it is not pinned.
std::optional<unsigned> cpu_of(unsigned index);

/// Gives the calling thread the CPU of its own, cpu_of(index), until the guard is destroyed: benchmarks share the main
/// thread.
class PinnedThread {
 public:
  /// `index`: the thread's number within the benchmark.
  explicit PinnedThread(unsigned index);

 private:
  const os::ScopedAffinity affinity_;
};

/// Runs the benchmark with 1, 2, 4 ... threads and with as many as there are CPUs.
benchmark::internal::Benchmark* with_threads(benchmark::internal::Benchmark* benchmark);

/// One T for all threads of a benchmark's run: the first thread makes it, the last one that lets go destroys it. Google
/// Benchmark starts the timed loop of all threads together, so all of them have it before the first lets go.
template <class T>
class SharedByThreads {
 public:
  template <class Make>
  std::shared_ptr<T> get(const Make& make) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<T> shared = current_.lock();
    if (shared == nullptr) {
      shared = make();
      current_ = shared;
    }
    return shared;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<T> current_;
};

}  // namespace shadowwalk::bench
