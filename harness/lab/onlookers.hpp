#pragma once

#include <cstdint>
#include <string>

namespace shadowwalk {

/// Those who look into a cell from outside while it runs, as far as the cell has to know. All is called by the thread
/// that runs the cell, and nothing within the measured window.
class Onlookers {
 public:
  virtual ~Onlookers() = default;

  /// Shortly before the window: whether somebody is to be ready before it begins. It waits for them then.
  virtual bool await_window() = 0;
  /// Only if so. Returns when they are ready, or are given up: the window begins right after it.
  virtual void let_begin() = 0;
  /// Then: the window that it became, in ns of CLOCK_MONOTONIC.
  virtual void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) = 0;
  /// The window is over, and its threads still run. Returns before the drain begins.
  virtual void end_window() = 0;
  /// After the window: what they did to it, in words for the result; empty: nobody was there.
  virtual std::string perturbed() = 0;
};

}  // namespace shadowwalk
