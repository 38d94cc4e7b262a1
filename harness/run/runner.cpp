#include "harness/run/runner.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <system_error>

#include "harness/machine/error.hpp"
#include "harness/os/program.hpp"
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

/// Runs and stores one measurement; false: interrupted.
bool run_one(RunDirectory& directory, const PlannedCell& cell, const Measurement& measurement,
             const RunnerSettings& settings, os::Interrupt& interrupt, Progress& progress) {
  const std::filesystem::path scratch = directory.prepare_scratch();
  const nanoseconds limit = time_limit(cell, settings.watchdog);
  std::vector<std::string> arguments = arguments_for(cell, settings, scratch.string());
  arguments.insert(arguments.end(), {"--id", std::to_string(cell.id)});
  const ChildResult child = run_child(settings.program, arguments, limit, interrupt.fd());
  if (child.end == ChildEnd::kInterrupted) return false;

  std::string problem;
  if (child.end == ChildEnd::kExited && child.exit_code == 0) {
    problem = directory.accept_result(measurement, scratch).value_or("");
    if (problem.empty()) {
      progress.measured(cell, measurement, child.elapsed);
      return true;
    }
  } else if (child.end == ChildEnd::kExited && child.exit_code == 1 && std::filesystem::exists(scratch)) {
    problem = result_file_problem(scratch).value_or("");
  }
  // A disk that is full now is not the cell's failure.
  directory.prepare_scratch();
  Failure failure = classify(child, problem, limit);
  failure.command = os::shell_line(arguments_for(cell, settings, "-"));
  const bool counted_before = directory.status(measurement) == Status::kFailed;
  directory.record_failure(measurement, failure);
  progress.failed(cell, measurement, child.elapsed, failure, counted_before);
  return true;
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

void run_measurements(RunDirectory& directory, const RunnerSettings& settings, os::Interrupt& interrupt) {
  const std::vector<Measurement> work = work_left(directory, settings.retry_failed);
  const Plan& plan = directory.plan();
  const auto cell_of = [&](const Measurement& measurement) -> const PlannedCell& {
    return plan.cells[static_cast<std::size_t>(measurement.cell)];
  };
  nanoseconds planned_left{0};
  for (const Measurement& measurement : work) planned_left += measuring_time(cell_of(measurement).request.config);

  Progress progress{settings.progress, plan.order.size(), plan.order.size() - work.size(), directory.failures().size()};
  try {
    for (std::size_t i = 0; i < work.size() && !interrupt.caught(); ++i) {
      const PlannedCell& cell = cell_of(work[i]);
      progress.started(cell, work[i], planned_left, work.size() - i);
      if (settings.on_start) {
        settings.on_start(cell, work[i], progress.number(), progress.remaining(planned_left, work.size() - i));
      }
      if (!run_one(directory, cell, work[i], settings, interrupt, progress)) break;
      planned_left -= measuring_time(cell.request.config);
    }
    interrupt.caught();
  } catch (const InputError& error) {
    directory.clean();
    throw InputError{fmt::format("{} ({} of {} are stored; continue with `{}`)", error.what(), directory.measured(),
                                 plan.order.size(), directory.resume_command())};
  }
  directory.clean();
}

}  // namespace shadowwalk::run
