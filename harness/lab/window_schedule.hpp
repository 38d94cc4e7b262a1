#pragma once

#include <cstdint>

#include "harness/lab/cell_config.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// When a cell's measured window is: after its warm-up, or, for onlookers who have to be ready first, when they are.
class WindowSchedule {
 public:
  /// The warm-up begins: sets the window.
  WindowSchedule(const CellConfig& config, Window& window);

  /// Waits until the window begins. True: the cell has failed.
  bool wait_for_start(CellFailure& failure);

  /// In ticks of the cycle clock. The length never changes.
  std::uint64_t start() const { return start_; }
  std::uint64_t end() const { return end_; }

 private:
  void wait_for_onlookers();

  const CellConfig& config_;
  Window& window_;
  std::uint64_t start_;
  std::uint64_t end_;
};

}  // namespace shadowwalk
