#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "bench/threads.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/lab/cell_records.hpp"
#include "harness/lab/engine.hpp"
#include "harness/lab/registry.hpp"

namespace shadowwalk::bench {

/// A variant's engine and its machine, as in a cell, driven by a benchmark.
class BenchEngine {
 public:
  struct Options {
    unsigned vcpus = 1;
    std::size_t capacity = 0;  ///< maximum of shadow pages
    /// The engine's own clocks and histograms, and whether they count at once. A benchmark has its own clock.
    Instrumentation instrumentation = Instrumentation::none;
    bool window_open = false;
  };

  /// Throws CellError if there is no memory for `capacity` pages.
  BenchEngine(const VariantEntry& variant, const Options& options);
  /// Drains. Every vCPU must have gone.
  ~BenchEngine();
  BenchEngine(const BenchEngine&) = delete;
  BenchEngine& operator=(const BenchEngine&) = delete;

  Engine& engine() { return *engine_; }
  NativeMachine& machine() { return machine_; }
  const Window& window() const { return window_; }
  Instrumentation instrumentation() const { return config_.instrumentation; }

 private:
  const CellConfig config_;
  NativeMachine machine_;
  Window window_;
  std::unique_ptr<Engine> engine_;
};

/// Binds the calling thread to a vCPU, whose name it takes, until the guard is destroyed.
class BoundThread {
 public:
  BoundThread(NativeMachine::Vcpu& vcpu, unsigned index);
  ~BoundThread();
  BoundThread(const BoundThread&) = delete;
  BoundThread& operator=(const BoundThread&) = delete;

 private:
  NativeMachine::Vcpu& vcpu_;
  std::array<char, 16> name_before_{};  // the main thread's name is the process's
};

/// The calling thread as vCPU `index` of an engine: pinned to a CPU of its own, bound, attached. No thread may
/// interrupt it while it is destroyed.
class BenchVcpu {
 public:
  BenchVcpu(BenchEngine& engine, unsigned index);
  ~BenchVcpu();
  BenchVcpu(const BenchVcpu&) = delete;
  BenchVcpu& operator=(const BenchVcpu&) = delete;

  void walk(std::span<const Access> accesses) { vcpu_->walk(accesses, record_); }
  EngineVcpu& engine_vcpu() { return *vcpu_; }
  /// Zaps on this thread, like a vCPU that takes a fault. Returns the number of shadow pages unlinked.
  std::size_t zap(const HostAction& action);

 private:
  BenchEngine& engine_;
  const PinnedThread pinned_;
  const BoundThread bound_;
  WalkRecord record_;
  std::unique_ptr<EngineVcpu> vcpu_;
};

}  // namespace shadowwalk::bench
