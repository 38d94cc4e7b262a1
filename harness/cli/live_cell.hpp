#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "harness/attach/live/registration.hpp"
#include "harness/attach/live/window_gate.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/lab/onlookers.hpp"
#include "harness/measure/shared_counters.hpp"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::cli {

/// `cell --hold`: waits until somebody who has attached to the process lets it go on, by Enter where stdin is a
/// terminal, or by SIGUSR1. Nothing else lets it go on: a stdin that is a file or a pipe holds other people's lines,
/// and one at its end holds none. SIGINT and the like end the process, as at any other time.
class Hold {
 public:
  /// Before threads start: they inherit that SIGUSR1 is blocked. It stays so, and one that comes early is not lost.
  /// Throws std::system_error.
  Hold();

  /// Says on stderr who is held and how to go on, and returns when that was done.
  void wait();

 private:
  os::FileDescriptor signal_;
};

/// A cell as others find it: listed for `shadowwalk ps`, held if that is asked for, and in touch with what
/// `shadowwalk attach` puts on it.
class LiveCell final : public Onlookers {
 public:
  /// Before the cell starts threads; `config` outlives this. Lists nothing yet: a cell may still be refused.
  LiveCell(const CellConfig& config, bool hold);
  LiveCell(const LiveCell&) = delete;
  LiveCell& operator=(const LiveCell&) = delete;
  ~LiveCell() override;

  /// For CellConfig::counters: what `shadowwalk top` reads.
  LiveCounters& counters() { return counters_.counters(); }

  /// For CellConfig::on_ready. The entry is written here, and again only if the window is put off: nothing is measured
  /// yet, and the phases to come are told by their times.
  void on_ready();

  bool await_window() override;
  void let_begin() override;
  void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) override;
  void end_window() override;
  std::string perturbed() override;

 private:
  /// Takes down who is there that leaves no mark: a tool that somebody started by hand.
  void look_around();

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

/// The one line that says why `ps` will not show this process.
void warn_unlisted(const std::string& why);

}  // namespace shadowwalk::cli
