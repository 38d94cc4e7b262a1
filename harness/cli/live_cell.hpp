#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/window_gate.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/lab/cell_observer.hpp"
#include "harness/measure/shared_counters.hpp"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::cli {

/// `cell --hold`: waits for Enter, where stdin is a terminal, or for SIGUSR1, so that a tool can attach to the process
/// first. Nothing else ends the wait: lines from a file or a pipe are not meant for it, and neither is their end.
/// SIGINT and the like end the process, as at any other time.
class Hold {
 public:
  /// Call it before threads start: they inherit that SIGUSR1 is blocked. It stays blocked, and an early one is not
  /// lost. Throws std::system_error.
  Hold();

  /// Prints the held threads and how to go on to stderr; returns when the process may go on.
  void wait();

 private:
  os::FileDescriptor signal_;
};

/// The outward side of a cell: it lists the cell for `shadowwalk ps`, holds it for --hold, and agrees on the measured
/// window with what `shadowwalk attach` started.
class LiveCell final : public CellObserver {
 public:
  /// Call it before the cell starts threads; `config` must outlive this. Lists nothing yet: the cell may be refused.
  LiveCell(const CellConfig& config, bool hold);
  LiveCell(const LiveCell&) = delete;
  LiveCell& operator=(const LiveCell&) = delete;
  ~LiveCell() override;

  /// For CellConfig::counters: what `shadowwalk top` reads.
  LiveCounters& counters() { return counters_.counters(); }

  /// For CellConfig::on_ready. Writes the entry here, and again only if the window is put off: nothing is measured yet,
  /// and readers derive the coming phases from their times.
  void on_ready();

  bool await_window() override;
  void let_begin() override;
  void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) override;
  void end_window() override;
  std::string perturbed() override;

 private:
  /// Notes the tools that leave no mark themselves: those that were started by hand.
  void note_tools();

  const CellConfig& config_;
  SharedCounters counters_;
  live::Entry entry_;
  std::optional<Hold> hold_;
  std::optional<live::Registration> registration_;
  live::WindowGate gate_;
  std::uint64_t begin_ns_ = 0;  ///< of the warm-up
  std::uint64_t end_ns_ = 0;    ///< of the window
  std::set<std::string> seen_;
};

/// Warns on stderr, in one line, that `ps` will not show this process.
void warn_unlisted(const std::string& why);

}  // namespace shadowwalk::cli
