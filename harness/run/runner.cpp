#include "harness/run/runner.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <system_error>

#include "harness/machine/error.hpp"
#include "harness/os/program.hpp"
#include "harness/run/quiet_gate.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::run {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view kMessagePrefix = "shadowwalk: ";

nanoseconds time_limit(const PlannedCell& cell, const Watchdog& watchdog) {
  const auto measuring = static_cast<double>(measuring_time(cell.request.config).count());
  return nanoseconds{std::llround(measuring * watchdog.factor)} + watchdog.slack;
}

std::vector<Measurement> work_left(const RunDirectory& directory, bool retry_failed) {
  std::vector<Measurement> work;
  for (const Measurement& measurement : directory.plan().order) {
    const Status status = directory.status(measurement);
    if (status == Status::kPending || (status == Status::kFailed && retry_failed)) work.push_back(measurement);
  }
  return work;
}

std::vector<std::string> arguments_for(const PlannedCell& cell, const RunnerSettings& settings,
                                       const std::string& json) {
  std::vector<std::string> arguments = settings.prefix;
  const auto options = command_line(cell.request);
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"--json", json});
  return arguments;
}

bool is_elsewhere(const PlannedCell& cell, const RunnerSettings& settings) {
  return cell.request.config.machine == MachineKind::kernel_vm && settings.elsewhere;
}

/// How one start of a cell ended.
enum class Try { kEnded, kNoisy, kInterrupted };

/// Starts the measurement's cell once, and stores what comes of it.
Try try_once(RunDirectory& directory, const PlannedCell& cell, const Measurement& measurement,
             const RunnerSettings& settings, os::Interrupt& interrupt, Progress& progress) {
  const std::filesystem::path scratch = directory.prepare_scratch();
  const nanoseconds limit = time_limit(cell, settings.watchdog);
  std::vector<std::string> arguments = arguments_for(cell, settings, scratch.string());
  arguments.insert(arguments.end(), {"--id", std::to_string(cell.id)});
  const ChildResult child = is_elsewhere(cell, settings)
                                ? settings.elsewhere(cell, arguments, scratch, limit, interrupt.fd())
                                : run_child(settings.program, arguments, limit, interrupt.fd());
  if (child.end == ChildEnd::kInterrupted) return Try::kInterrupted;

  std::string problem;
  if (child.end == ChildEnd::kExited && child.exit_code == 0) {
    const Acceptance acceptance = directory.accept_result(measurement, scratch, settings.retry_noisy);
    const std::string noise = acceptance.noise_reasons.empty() ? "" : acceptance.noise_reasons.front();
    if (acceptance.kind == Acceptance::Kind::kSetAside) {
      progress.set_aside(cell, measurement, child.elapsed, noise);
      return Try::kNoisy;
    }
    if (acceptance.kind == Acceptance::Kind::kStored) {
      progress.measured(cell, measurement, child.elapsed, noise);
      return Try::kEnded;
    }
    problem = acceptance.problem;
  } else if (child.end == ChildEnd::kExited && child.exit_code == 1 && std::filesystem::exists(scratch)) {
    problem = read_result_file(scratch).problem;
  }
  // A disk that is full now is not the cell's failure.
  directory.prepare_scratch();
  Failure failure = classify(child, problem, limit);
  failure.command = os::shell_line(arguments_for(cell, settings, "-"));
  const bool counted_before = directory.status(measurement) == Status::kFailed;
  directory.record_failure(measurement, failure);
  progress.failed(cell, measurement, child.elapsed, failure, counted_before);
  return Try::kEnded;
}

/// Runs and stores one measurement; false: interrupted.
bool run_one(RunDirectory& directory, const PlannedCell& cell, const Measurement& measurement,
             const RunnerSettings& settings, QuietGate& gate, os::Interrupt& interrupt, Progress& progress) {
  Try ended = Try::kNoisy;
  while (ended == Try::kNoisy) {
    if (!settings.is_untimed || !settings.is_untimed(cell)) gate.wait(interrupt.fd());
    if (interrupt.caught()) return false;
    ended = try_once(directory, cell, measurement, settings, interrupt, progress);
  }
  return ended == Try::kEnded;
}

}  // namespace

Failure classify(const ChildResult& child, const std::string& result_problem, nanoseconds limit) {
  std::string said = child.last_line;
  if (said.starts_with(kMessagePrefix)) said.erase(0, kMessagePrefix.size());
  const std::string last_words = said.empty() ? "" : fmt::format("; its last words: {}", said);
  Failure failure;
  switch (child.end) {
    case ChildEnd::kExited:
      failure.exit_code = child.exit_code;
      failure.status = child.exit_code == 2 ? "refused" : "failed";
      failure.reason = !result_problem.empty() ? result_problem : said;
      if (failure.reason.empty()) failure.reason = fmt::format("exit code {} without a word", child.exit_code);
      break;
    case ChildEnd::kSignalled: {
      const char* name = sigabbrev_np(child.signal);
      failure.signal = child.signal;
      failure.status = "crashed";
      failure.reason =
          fmt::format("killed by SIG{}{}", name != nullptr ? name : std::to_string(child.signal), last_words);
      break;
    }
    case ChildEnd::kKernelCrashed:
      failure.status = "crashed";
      failure.reason = fmt::format("the virtual machine's kernel crashed: {}", said);
      failure.console = child.console;
      break;
    case ChildEnd::kKernelHung:
      failure.status = "watchdog";
      failure.reason = fmt::format("the virtual machine's kernel hung{}", last_words);
      failure.console = child.console;
      break;
    case ChildEnd::kTimedOut:
    case ChildEnd::kInterrupted:
      failure.signal = SIGKILL;
      failure.status = "watchdog";
      failure.reason = fmt::format("no result after {}, killed{}", format_duration(limit), last_words);
      break;
  }
  failure.reason = os::last_line(failure.reason);  // a message of the result may have several lines
  return failure;
}

namespace {

/// One call of run_measurements().
class Execution {
 public:
  Execution(RunDirectory& directory, const RunnerSettings& settings, os::Interrupt& interrupt)
      : directory_(directory), settings_(settings), interrupt_(interrupt), gate_(settings.quiet_wait) {}

  RunOutcome run() {
    const std::vector<Measurement> work = work_left(directory_, settings_.retry_failed);
    const std::size_t total = plan().order.size();
    Progress progress{settings_.progress, total, total - work.size(), directory_.failures().size()};
    RunOutcome outcome;
    bool goes_on = measure(work, progress);
    while (goes_on && settings_.goal.budget > nanoseconds{0}) {
      const auto settings = imprecise_settings(plan(), directory_.results(), settings_.goal.precision);
      const std::vector<Measurement> round = next_round(
          plan(), settings, directory_.results(), [&](const std::vector<int>& cells) { return fits(cells, progress); });
      if (round.empty()) break;
      directory_.add_round(round);
      progress.add(round.size());
      goes_on = measure(round, progress);
    }
    if (settings_.goal.budget > nanoseconds{0}) {
      outcome.imprecise = imprecise_settings(plan(), directory_.results(), settings_.goal.precision).size();
    }
    outcome.waits_in_vain = gate_.waits_in_vain();
    outcome.unquiet_reason = gate_.last_reason();
    return outcome;
  }

 private:
  using Clock = std::chrono::steady_clock;

  const Plan& plan() const { return directory_.plan(); }
  const PlannedCell& cell(int id) const { return plan().cells[static_cast<std::size_t>(id)]; }
  nanoseconds measuring_time_of(int id) const { return measuring_time(cell(id).request.config); }

  /// Whether the budget lasts for these.
  bool fits(const std::vector<int>& cells, const Progress& progress) const {
    nanoseconds planned{0};
    for (const int id : cells) planned += measuring_time_of(id);
    return Clock::now() - began_ + progress.remaining(planned, cells.size()) <= settings_.goal.budget;
  }

  /// False: interrupted.
  bool measure(const std::vector<Measurement>& work, Progress& progress) {
    nanoseconds planned_left{0};
    for (const Measurement& measurement : work) planned_left += measuring_time_of(measurement.cell);
    for (std::size_t i = 0; i < work.size(); ++i) {
      if (interrupt_.caught()) return false;
      const PlannedCell& next = cell(work[i].cell);
      progress.started(next, work[i], planned_left, work.size() - i);
      if (settings_.on_start) {
        settings_.on_start(next, work[i], progress.number(), progress.remaining(planned_left, work.size() - i));
      }
      if (!run_one(directory_, next, work[i], settings_, gate_, interrupt_, progress)) return false;
      planned_left -= measuring_time_of(next.id);
    }
    return !interrupt_.caught();
  }

  RunDirectory& directory_;
  const RunnerSettings& settings_;
  os::Interrupt& interrupt_;
  QuietGate gate_;
  const Clock::time_point began_ = Clock::now();
};

}  // namespace

RunOutcome run_measurements(RunDirectory& directory, const RunnerSettings& settings, os::Interrupt& interrupt) {
  try {
    const RunOutcome outcome = Execution(directory, settings, interrupt).run();
    directory.clean();
    return outcome;
  } catch (const InputError& error) {
    directory.clean();
    throw InputError{fmt::format("{} ({} of {} are stored; continue with `{}`)", error.what(), directory.measured(),
                                 directory.plan().order.size(), directory.resume_command())};
  }
}

}  // namespace shadowwalk::run
