#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/os/interrupt.hpp"
#include "harness/run/child.hpp"
#include "harness/run/progress.hpp"
#include "harness/run/rounds.hpp"
#include "harness/run/run_directory.hpp"

/// Executes a plan: one child process per measurement, one at a time.
namespace shadowwalk::run {

/// How long a child may take: warm-up and window times `factor`, plus `slack` for set-up and tear-down.
struct Watchdog {
  double factor = 4;
  std::chrono::nanoseconds slack = std::chrono::seconds{30};
};

/// Runs `arguments` of a cell elsewhere than in a child process of this host, as run_child() does, and writes its
/// result to `json` if it has one. Throws InputError if it cannot be run there at all.
using RunElsewhere =
    std::function<ChildResult(const PlannedCell&, const std::vector<std::string>& arguments,
                              const std::filesystem::path& json, std::chrono::nanoseconds limit, int stop_fd)>;

struct RunnerSettings {
  std::filesystem::path program = "/proc/self/exe";          ///< executed per cell
  std::vector<std::string> prefix = {"shadowwalk", "cell"};  ///< argv[0] and what stands before the cell's options
  RunElsewhere elsewhere;                                    ///< for cells of --machine kernel-vm
  /// Whether a cell has no times, as its kernel is emulated: it then waits for no quiet host. Null: every cell has.
  std::function<bool(const PlannedCell&)> is_untimed;
  Watchdog watchdog;
  bool retry_failed = false;  ///< repeat measurements that failed earlier
  std::chrono::nanoseconds quiet_wait =
      std::chrono::seconds{10};  ///< the longest wait for a quiet host before each cell
  unsigned retry_noisy = 2;      ///< how often a noisy cell is measured again, at once
  PrecisionGoal goal;
  Progress::Settings progress;
  /// Called before each measurement with its number in the plan's order, from 1, and the expected remaining time.
  std::function<void(const PlannedCell&, const Measurement&, std::size_t number, std::chrono::nanoseconds left)>
      on_start;
};

/// What this process has seen of a run, beside what its directory holds.
struct RunOutcome {
  std::size_t waits_in_vain = 0;  ///< for a quiet host
  std::string unquiet_reason{};   ///< why it was not, the last time
  std::size_t imprecise = 0;      ///< settings that are wider than the goal at the end; without a budget, 0
};

/// Runs the measurements that the directory lacks, in the plan's order, each once the host is quiet. A child that
/// crashes, hangs, is refused or fails is recorded as one failed measurement; one whose result is noisy is started
/// again. With a time budget it then adds rounds of repetitions, until all settings are precise or the budget does not
/// last for another one. Returns when all is done or `interrupt` caught a signal; the measurement under way is then
/// dropped. Throws InputError when the disk does not take a result (what is stored stays valid).
RunOutcome run_measurements(RunDirectory& directory, const RunnerSettings& settings, os::Interrupt& interrupt);

/// The failure that an ended child means, given what is wrong with its result (empty: it left none). Pure.
Failure classify(const ChildResult& child, const std::string& result_problem, std::chrono::nanoseconds limit);

}  // namespace shadowwalk::run
