#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/attach/live/entry.hpp"
#include "harness/cli/arguments.hpp"
#include "harness/cli/live_cell.hpp"
#include "harness/cli/matrices.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/cli/vm_cells.hpp"
#include "harness/doctor/live_facts.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/notice.hpp"
#include "harness/plugin/load_plugin.hpp"
#include "harness/run/plan_summary.hpp"
#include "harness/run/runner.hpp"
#include "harness/text/duration.hpp"

namespace shadowwalk::cli {
namespace {

struct RunOptions {
  std::string matrix;
  std::shared_ptr<CellTexts> of_all_cells = std::make_shared<CellTexts>();  ///< --machine and --kernel
  std::string out;
  std::optional<int> repetitions;
  std::optional<std::int64_t> seed;  ///< signed: CLI11 turns -1 into a large unsigned number
  std::string filter;
  std::shared_ptr<const std::vector<std::string>> plugins;
  bool resume = false;
  bool retry_failed = false;
  bool dry_run = false;
  double timeout_factor = run::Watchdog{}.factor;
  std::string timeout_slack = "30s";
  std::string quiet_wait = "10s";
  std::string time_budget = "0";
  std::string precision;
  int retry_noisy = static_cast<int>(run::RunnerSettings{}.retry_noisy);
};

std::optional<std::uint64_t> checked_seed(const RunOptions& options) {
  if (!options.seed) return std::nullopt;
  if (*options.seed < 0) throw InputError{fmt::format("--seed is {}; it must be 0 or more", *options.seed)};
  return static_cast<std::uint64_t>(*options.seed);
}

std::chrono::nanoseconds checked_time(std::string_view option, const std::string& given, std::string_view example) {
  const auto time = parse_duration(given);
  if (!time) throw InputError{fmt::format("{} is '{}'; it must be a time such as {}", option, given, example)};
  return *time;
}

run::Watchdog watchdog(const RunOptions& options) {
  if (!(options.timeout_factor >= 1 && options.timeout_factor <= 1000)) {
    throw InputError{fmt::format("--timeout-factor is {}; it must be from 1 to 1000", options.timeout_factor)};
  }
  return {.factor = options.timeout_factor, .slack = checked_time("--timeout-slack", options.timeout_slack, "30s")};
}

unsigned retry_noisy(const RunOptions& options) {
  constexpr int kMost = 100;
  if (options.retry_noisy < 0 || options.retry_noisy > kMost) {
    throw InputError{fmt::format("--retry-noisy is {}; it must be from 0 to {}", options.retry_noisy, kMost)};
  }
  return static_cast<unsigned>(options.retry_noisy);
}

/// A part of 1, given as 2.5% or 0.025.
std::optional<double> parse_part(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return is_percent ? number / 100 : number;
}

run::PrecisionGoal precision_goal(const RunOptions& options) {
  run::PrecisionGoal goal;
  goal.budget = checked_time("--time-budget", options.time_budget, "5m");
  if (options.precision.empty()) return goal;
  const auto precision = parse_part(options.precision);
  if (!precision || !(*precision >= 0.001 && *precision <= 1)) {
    throw InputError{
        fmt::format("--precision is '{}'; it must be a part such as 2.5%, from 0.1% to 100%", options.precision)};
  }
  if (goal.budget.count() == 0) {
    throw InputError{"--precision says when a run with a time budget has measured enough; add --time-budget 5m"};
  }
  goal.precision = *precision;
  return goal;
}

std::vector<run::PlannedPlugin> plan_plugins(const std::vector<std::string>& files) {
  std::vector<run::PlannedPlugin> plugins;
  for (const std::string& file : files) {
    plugins.push_back(
        {.file = std::filesystem::absolute(file).lexically_normal().string(), .build_id = plugin::build_id(file)});
  }
  return plugins;
}

/// The matrix, with what the command line says of all of its cells.
run::Matrix requested_matrix(const RunOptions& options) {
  run::Matrix matrix = run::read_matrix(matrix_file(options.matrix.empty() ? "quick" : options.matrix), known_names());
  for (const auto& [key, text] : *options.of_all_cells) {
    CellRequest request;
    take(request, "run", *find_cell_option(key), text, known_names());
    run::set_for_all(matrix, *find_cell_option(key), request.config);
  }
  return matrix;
}

/// The plan of a matrix by this build, with these plug-ins.
run::Plan make_plan(const RunOptions& options, const run::Matrix& matrix, std::optional<std::uint64_t> seed) {
  run::Plan plan =
      run::make_plan(matrix, {.repetitions = options.repetitions, .seed = seed, .filter = options.filter}, plan_host());
  plan.build_id = plugin::build_id("/proc/self/exe");
  plan.plugins = plan_plugins(*options.plugins);
  return plan;
}

run::Plan new_plan(const RunOptions& options) {
  for (const std::string& file : *options.plugins) plugin::load_plugin(file);
  const run::Matrix matrix = requested_matrix(options);
  const auto seed = checked_seed(options);
  return make_plan(options, matrix, seed ? seed : matrix.seed);
}

/// The recorded plan decides what is run; what the command line says beside --resume must agree with it. A directory
/// may be someone else's, so that nothing is loaded because it says so: plug-ins are named again, and are loaded once
/// they are known to be the recorded ones.
run::RunDirectory resume(const RunOptions& options) {
  run::RunDirectory directory = run::RunDirectory::open(options.out);
  const run::Plan& recorded = directory.plan();
  const auto refuse = [&](const std::string& what) {
    return InputError{
        fmt::format("cannot resume {}: {}; choose another --out, or give --resume alone to finish it as "
                    "planned",
                    options.out, what)};
  };
  if (recorded.version != SHADOWWALK_VERSION) {
    throw refuse(fmt::format("it was begun by shadowwalk {}, this is {}", recorded.version, SHADOWWALK_VERSION));
  }
  if (const std::string build_id = plugin::build_id("/proc/self/exe");
      !recorded.build_id.empty() && recorded.build_id != build_id) {
    throw refuse(
        fmt::format("it was begun by another build of shadowwalk {}: its cells would not compare", SHADOWWALK_VERSION));
  }
  run::Plan requested = recorded;
  requested.plugins = plan_plugins(*options.plugins);
  if (requested.plugins.empty() && !recorded.plugins.empty()) {
    throw refuse(fmt::format("it was begun with plug-ins, which must be named again: --plugin {}",
                             recorded.plugins.front().file));
  }
  if (const auto what = run::difference(recorded, requested, std::nullopt)) throw refuse(*what);
  for (const std::string& file : *options.plugins) plugin::load_plugin(file);

  std::optional<std::uint64_t> seed = checked_seed(options);
  if (!options.matrix.empty() || !options.of_all_cells->empty()) {
    const run::Matrix matrix = requested_matrix(options);
    if (!seed) seed = matrix.seed;
    requested = make_plan(options, matrix, seed);
  } else {
    requested.repetitions = options.repetitions.value_or(recorded.repetitions);
    if (!options.filter.empty()) requested.filter = options.filter;
  }
  if (const auto what = run::difference(recorded, requested, seed)) throw refuse(*what);
  if (recorded.scale) {
    if (const auto what = run::why_not_here(*recorded.scale)) throw refuse(*what);
  }
  return directory;
}

int dry_run(const RunOptions& options) {
  if (options.resume || options.retry_failed) {
    throw InputError{"--dry-run shows what a new run would measure; leave --resume and --retry-failed out"};
  }
  const run::Plan plan = new_plan(options);
  for (const std::string& notice : plan.notices) os::notice(notice);
  fmt::print("{}", run::describe(plan));
  return 0;
}

int run_matrix(const RunOptions& options) {
  if (options.retry_failed && !options.resume) {
    throw InputError{"--retry-failed measures again what failed in a run; add --resume"};
  }
  run::RunnerSettings settings;
  settings.watchdog = watchdog(options);
  settings.retry_failed = options.retry_failed;
  settings.quiet_wait = checked_time("--quiet-wait", options.quiet_wait, "10s");
  settings.retry_noisy = retry_noisy(options);
  settings.goal = precision_goal(options);
  settings.progress = run::Progress::settings_for(stdout);

  run::RunDirectory directory =
      options.resume ? resume(options) : run::RunDirectory::create(options.out, new_plan(options), [] {
        return host::to_json(doctor::observe_host_facts(doctor::find_denied_calls()));
      });
  const run::Plan& plan = directory.plan();
  for (const std::string& notice : plan.notices) os::notice(notice);
  for (const run::PlannedPlugin& plugin : plan.plugins) {
    settings.prefix.insert(settings.prefix.end(), {"--plugin", plugin.file});
  }
  fmt::print("{}: {}, seed {}\n", plan.title.empty() ? plan.matrix_file : plan.title, run::size_in_words(plan),
             plan.seed);
  std::fflush(stdout);

  live::Registration registration(warn_unlisted);
  live::Entry entry{.began_ns = live::now_ns(), .cell = std::nullopt, .run = std::nullopt};
  settings.on_start = [&](const run::PlannedCell& cell, const run::Measurement& measurement, std::size_t number,
                          std::chrono::nanoseconds left) {
    entry.run = live::RunPart{.directory = std::filesystem::absolute(directory.path()).string(),
                              .title = plan.title,
                              .number = number,
                              .total = plan.order.size(),
                              .failed = directory.failures().size(),
                              .cell = cell.id,
                              .repetition = measurement.repetition,
                              .cell_name = cell.name,
                              .variant = cell.request.config.variant,
                              .workload = cell.request.config.workload,
                              .done_ns = live::now_ns() + static_cast<std::uint64_t>(left.count())};
    registration.update(entry);
  };

  VmCells vm_cells;
  for (const run::PlannedCell& cell : plan.cells) {
    if (needs_virtual_machine(cell.request.config)) vm_cells.expect(cell.request);
  }
  settings.elsewhere = [&](const run::PlannedCell& cell, const std::vector<std::string>& words,
                           const std::filesystem::path& json, std::chrono::nanoseconds limit,
                           int stop_fd) { return vm_cells.run(cell.request, words, json, limit, stop_fd); };
  settings.is_untimed = [&](const run::PlannedCell& cell) {
    return needs_virtual_machine(cell.request.config) && vm_cells.is_emulated(cell.request);
  };

  os::Interrupt interrupt;
  const run::RunOutcome outcome = run::run_measurements(directory, settings, interrupt);
  fmt::print("{}{}", run::summary(directory),
             settings.goal.budget.count() == 0 ? "" : run::precision_summary(directory.plan(), outcome.imprecise));
  std::fflush(stdout);
  for (const std::string& line :
       run::disturbance_summary(directory.disturbances(), outcome.waits_in_vain, outcome.unquiet_reason)) {
    os::notice(line);
  }
  if (const auto signal = interrupt.caught()) return 128 + *signal;
  return directory.failures().empty() ? 0 : 1;
}

}  // namespace

void add_run(CLI::App& command) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* verb = command.add_subcommand("run", "Measure a matrix of cells into a directory, each in its own process");
  verb->add_option("matrix", options->matrix,
                   "TOML file with the axes, or the name of a matrix that ships: quick, full, ...")
      ->type_name("MATRIX")
      ->default_str("quick");
  CLI::Option* out = verb->add_option("--out", options->out,
                                      "Directory for plan and results; it is created, and must not hold a run yet")
                         ->required()
                         ->type_name("DIR");
  verb->add_flag_callback(
      "--dry-run",
      [options, out] {
        options->dry_run = true;
        out->required(false);
      },
      "Print the cells that would be measured and how long that takes; needs no --out");
  verb->add_option("--repetitions", options->repetitions, "Measurements per cell (overrides the matrix)");
  verb->add_option("--filter", options->filter, "Only the cells whose name, or group/name, matches")
      ->type_name("REGEX");
  verb->add_option("--seed", options->seed, "Seed of the order of execution (overrides the matrix; default: random)");
  for (const char* key : {"machine", "kernel"}) {
    add_cell_option(*verb, *find_cell_option(key), options->of_all_cells, "the matrix's");
  }
  options->plugins = add_plugin_files(*verb);
  verb->add_flag("--resume", options->resume, "Continue the run in DIR; finished measurements are not repeated");
  verb->add_flag("--retry-failed", options->retry_failed, "With --resume: repeat failed measurements");
  verb->add_option("--timeout-factor", options->timeout_factor,
                   "A cell is killed after this factor times its warm-up and duration, plus the slack")
      ->capture_default_str();
  verb->add_option("--timeout-slack", options->timeout_slack, "Time for setting up and tearing down a cell")
      ->capture_default_str()
      ->type_name("TIME");
  verb->add_option("--quiet-wait", options->quiet_wait,
                   "Before each cell, wait so long at most for a host without other load; 0: do not wait")
      ->capture_default_str()
      ->type_name("TIME");
  verb->add_option("--retry-noisy", options->retry_noisy,
                   "Measure a noisy cell again, so often at most; the last result counts")
      ->capture_default_str();
  verb->add_option("--time-budget", options->time_budget,
                   "Fill this time with further repetitions of the settings whose intervals are wider than --precision")
      ->capture_default_str()
      ->type_name("TIME");
  verb->add_option("--precision", options->precision,
                   "With --time-budget: how far the 95 % interval of a ratio may reach up and down (default: 2.5%)")
      ->type_name("PART");
  verb->footer(
      "Exit codes: 0 everything is measured, 1 some cells failed (their reasons are recorded), 2 bad input,\n"
      "130 or 143 interrupted: continue with --resume.");
  verb->callback([options] { throw CLI::RuntimeError{options->dry_run ? dry_run(*options) : run_matrix(*options)}; });
}

}  // namespace shadowwalk::cli
