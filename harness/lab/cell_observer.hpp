#pragma once

#include <cstdint>
#include <string>

namespace shadowwalk {

/// What looks into a cell from outside while it runs. The thread that runs the cell makes all calls, and none within
/// the measured window.
class CellObserver {
 public:
  virtual ~CellObserver() = default;

  /// Shortly before the window: whether it must wait for a tool to be ready.
  virtual bool await_window() = 0;
  /// Only if so. Returns when the tools are ready, or are given up: the window begins right after it.
  virtual void let_begin() = 0;
  /// Then: the window that it became, in ns of CLOCK_MONOTONIC.
  virtual void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) = 0;
  /// The window is over, and its threads still run. Returns before the drain begins.
  virtual void end_window() = 0;
  /// After the window: the tools that disturbed it, in words for the result; empty: none did.
  virtual std::string perturbed() = 0;
};

}  // namespace shadowwalk
