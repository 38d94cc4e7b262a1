#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "harness/os/file_descriptor.hpp"

/// How `attach --next-measure` and the cell that it waits for communicate: by files in the runtime directory.
///
/// The attaching process writes a request for a process, the run or the cell (WindowRequest). The next cell that
/// reaches its warm-up, or its window, claims the request by renaming it, so that only one cell answers; then the
/// attaching process starts perf on that cell's threads. The cell switches perf on and off (WindowGate) and writes down
/// the window's times.
namespace shadowwalk::live {

/// A measured window over which perf was on, in ns of CLOCK_MONOTONIC.
struct WatchedWindow {
  std::uint64_t enable_ns = 0;  ///< perf was switched on after this
  std::uint64_t begin_ns = 0;   ///< the window, [begin, end): perf was on before and after
  std::uint64_t end_ns = 0;
  std::uint64_t disabled_ns = 0;  ///< perf was off by then
  std::string failure;            ///< why perf was not on over the whole window; empty: it was
};

std::string to_text(const WatchedWindow& window);
/// The inverse of to_text(); nothing if the text is no window.
std::optional<WatchedWindow> watched_window_from_text(const std::string& text);

/// The attaching process's side: a request that is valid while the object exists and the process lives. One per
/// process.
class WindowRequest {
 public:
  /// Makes the fifos and leaves the request for `run`. Throws InputError.
  explicit WindowRequest(const Process& run);
  WindowRequest(const WindowRequest&) = delete;
  WindowRequest& operator=(const WindowRequest&) = delete;
  ~WindowRequest();

  /// perf's option --control with its argument.
  std::string control_option() const;
  /// The cell that has claimed the request, which is the run or its child process; nothing if none has yet.
  std::optional<Process> claimed_by() const;
  /// The window, once the cell has written it down.
  std::optional<WatchedWindow> done() const;

 private:
  const Process self_;
  const Process run_;
  const RuntimeDirectory directory_;
};

/// The two fifos or pipes of `perf record --control`, on the side that sends commands. Waits are limited and
/// end if perf dies: no call hangs.
class PerfControl {
 public:
  using Clock = std::chrono::steady_clock;

  /// Opens them as soon as perf has opened its ends; nothing if it has not by `until`, or if `starter`, the process
  /// that starts perf, is gone.
  static std::optional<PerfControl> open(const RuntimeDirectory& directory, const Process& starter,
                                         Clock::time_point until);

  /// Over pipes whose other ends perf has inherited (--control=fd:CONTROL,ACK).
  PerfControl(os::FileDescriptor control, os::FileDescriptor ack)
      : control_(std::move(control)), ack_(std::move(ack)) {}

  /// Sends `enable` or `disable`. True if perf acknowledged by `until` that it has done it.
  bool command(std::string_view word, Clock::time_point until);
  /// Waits for the answer to a command that was not acknowledged in its time.
  bool acknowledged(Clock::time_point until);

 private:
  os::FileDescriptor control_;
  os::FileDescriptor ack_;
};

/// The cell's side: switches perf on just before the measured window and off just after it. Without a request it only
/// reads the runtime directory once, before the window. Never throws, and gives up after `patience` if perf does not
/// answer. For the thread that runs the cell.
class WindowGate {
 public:
  explicit WindowGate(std::chrono::milliseconds patience = std::chrono::seconds(10)) : patience_(patience) {}

  /// Claims the requests for this process or for its parent. True if any were claimed, also by earlier calls: the
  /// caller must then call let_begin().
  bool claim() noexcept;
  /// Switches the claimed tools on, and returns when they are on or given up.
  void let_begin() noexcept;
  /// Records the window's times, once they are known.
  void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) noexcept;
  /// After the window: switches the tools off and writes the window's times down for the processes that started them.
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
