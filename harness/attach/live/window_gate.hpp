#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>

#include "harness/attach/live/perf_control.hpp"
#include "harness/attach/live/window_request.hpp"

namespace shadowwalk::live {

/// The cell's side of window_request.hpp: switches perf on just before the measured window, and off just after it.
/// Where nobody has left a request it costs one look into a directory, before the window. Never throws, and a perf that
/// does not answer is given up after `patience`. For the thread that runs the cell.
class WindowGate {
 public:
  explicit WindowGate(std::chrono::milliseconds patience = std::chrono::seconds(10)) : patience_(patience) {}

  /// Claims the requests for this process, or for the one that started it. Whether there are any, from earlier calls
  /// too: let_begin() has to be called.
  bool claim() noexcept;
  /// Switches on whoever was claimed, and returns when they are on, or given up.
  void let_begin() noexcept;
  /// The window's times are known.
  void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) noexcept;
  /// After the window: switches them off, and tells those who started them when it was.
  void let_end() noexcept;

 private:
  struct Waiting {
    Process starter;
    std::optional<PerfControl> perf;
    WatchedWindow window;
  };

  const std::chrono::milliseconds patience_;
  std::list<Waiting> waiting_;
};

}  // namespace shadowwalk::live
