#pragma once

#include <exception>
#include <thread>

#include "harness/lab/cell_threads.hpp"
#include "harness/replay/trace_guest.hpp"

namespace shadowwalk {

/// The thread that reads a cell's trace. Ends with the scope.
class FeederThread {
 public:
  /// Null: the workload is no trace, and there is nothing to do.
  FeederThread(replay::TraceGuest* trace, CellFailure& failure) : trace_(trace) {
    if (trace == nullptr) return;
    thread_ = std::thread([trace, &failure] {
      try {
        trace->feeder().run();
      } catch (const std::exception& error) {
        failure.report(error.what());
      }
    });
  }
  ~FeederThread() { join(); }
  FeederThread(const FeederThread&) = delete;
  FeederThread& operator=(const FeederThread&) = delete;
  void join() {
    if (!thread_.joinable()) return;
    trace_->feeder().stop();
    thread_.join();
  }

 private:
  replay::TraceGuest* const trace_;
  std::thread thread_;
};

}  // namespace shadowwalk
