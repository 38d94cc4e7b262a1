#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_directory.hpp"

/// How `attach --next-measure` and the cell that it waits for find each other: files in the runtime directory.
///
/// The one who waits leaves a request for a process, the run or the cell. The cell that comes to its warm-up, or stands
/// just before its window, claims it by renaming it, so that one alone answers; perf is started on that cell's threads
/// then. The cell commands perf (window_gate.hpp), and leaves word when its window was.
namespace shadowwalk::live {

/// A measured window over which perf was on, in ns of CLOCK_MONOTONIC.
struct WatchedWindow {
  std::uint64_t enable_ns = 0;  ///< perf was told to begin after this
  std::uint64_t begin_ns = 0;   ///< the window, [begin, end): perf was on before and after
  std::uint64_t end_ns = 0;
  std::uint64_t disabled_ns = 0;  ///< perf was off by then
  std::string failure;            ///< why perf was not on over the whole window; empty: it was
};

std::string to_text(const WatchedWindow& window);
/// Back; nothing if it is none.
std::optional<WatchedWindow> watched_window_from_text(const std::string& text);

/// The side of the one who waits; it stands for as long as this lives, and dies with the process. One a process.
class WindowRequest {
 public:
  /// Makes the fifos and leaves the request for `run`. Throws InputError.
  explicit WindowRequest(const Process& run);
  WindowRequest(const WindowRequest&) = delete;
  WindowRequest& operator=(const WindowRequest&) = delete;
  ~WindowRequest();

  /// What perf's option --control takes.
  std::string control_option() const;
  /// The cell that has claimed it; nothing yet.
  std::optional<pid_t> claimed_by() const;
  /// Once the cell has said so.
  std::optional<WatchedWindow> done() const;

 private:
  const Process self_;
  const RuntimeDirectory directory_;
};

}  // namespace shadowwalk::live
