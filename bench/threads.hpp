#pragma once

#include <benchmark/benchmark.h>
#include <sched.h>

#include <memory>
#include <mutex>

namespace shadowwalk::bench {

/// CPUs that a benchmark's threads can be pinned to.
unsigned usable_cpus();

/// Gives the calling thread a CPU of its own, dealt out as a cell's are (`--placement auto`), until the guard is gone:
/// benchmarks share the main thread.
class PinnedThread {
 public:
  /// `index`: the thread's number within the benchmark.
  explicit PinnedThread(unsigned index);
  ~PinnedThread();
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;

 private:
  cpu_set_t before_;
};

/// Runs the benchmark with 1, 2, 4 ... threads and with as many as there are CPUs.
benchmark::internal::Benchmark* with_threads(benchmark::internal::Benchmark* benchmark);

/// One T for all threads of a benchmark's run: made by the first that comes, destroyed by the last that lets go. Google
/// Benchmark starts the timed loop of all threads together, so that all have come before the first leaves.
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
