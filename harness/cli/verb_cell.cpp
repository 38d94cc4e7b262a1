#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/attach/tools/shell_line.hpp"
#include "harness/cli/cell_trace.hpp"
#include "harness/cli/known_names.hpp"
#include "harness/cli/live_cell.hpp"
#include "harness/cli/plugin_option.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/cell_request.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/error.hpp"
#include "harness/run/files.hpp"

namespace shadowwalk::cli {
namespace {

struct CellArguments {
  std::map<std::string_view, std::string> given;  ///< by option key
  std::shared_ptr<const std::vector<std::string>> plugins;
  std::string json;
  std::string trace;
  std::size_t trace_records = timeline::Recorder::kDefaultRecords;
  bool hold = false;
  std::int64_t id = CellConfig().id;
};

CellRequest checked_request(const CellArguments& arguments) {
  const KnownNames known = known_names();
  CellRequest request;
  for (const CellOption& option : cell_options()) {
    const auto given = arguments.given.find(option.key);
    if (given == arguments.given.end() || given->second.empty()) {
      if (option.required())
        throw InputError(fmt::format("cell: --{} is missing; try 'shadowwalk cell --help'", option.key));
    } else if (const auto wrong = give(request, option, given->second, &known)) {
      // "vcpus is 0; ..." reads as the option it is about; "unknown variant ..." stands as it is.
      throw InputError(fmt::format("cell: {}{}", wrong->starts_with(option.key) ? "--" : "", *wrong));
    }
  }
  return request;
}

/// The cell, with the command line that runs it again.
PreparedCell prepare(const CellArguments& arguments) {
  PreparedCell cell = prepare_cell(checked_request(arguments));
  for (const std::string& notice : cell.notices) fmt::print(stderr, "shadowwalk: {}\n", notice);
  std::vector<std::string> words = {"shadowwalk", "cell"};
  for (const std::string& file : *arguments.plugins) words.insert(words.end(), {"--plugin", file});
  words.insert(words.end(), cell.options.begin(), cell.options.end());
  cell.config.command = tools::shell_line(words);
  cell.config.id = arguments.id;
  return cell;
}

void run(CellArguments arguments, const BenchmarkFlags& flags) {
  if (!flags.out.empty()) {
    if (!arguments.json.empty())
      throw InputError("cell: --benchmark_out and --json both name the file of the result; give one");
    arguments.json = flags.out;
  }
  PreparedCell cell = prepare(arguments);
  CellConfig& config = cell.config;
  std::optional<CellTrace> trace;
  if (!arguments.trace.empty() && arguments.trace == arguments.json) {
    throw InputError("cell: --trace and --json name the same file; give them one each");
  }
  if (!arguments.trace.empty()) trace.emplace(config, arguments.trace, arguments.trace_records, flags);
  LiveCell live(config, arguments.hold);
  config.on_ready = [&live] { live.on_ready(); };
  config.observer = &live;
  config.counters = &live.counters();
  const bool to_stdout = arguments.json == kStdout;
  if (!arguments.json.empty() && !to_stdout) {
    run::require_space(std::filesystem::absolute(arguments.json).parent_path(), 1);
  }

  const CellOutcome outcome = run_cell_benchmark(cell, flags, !to_stdout);
  if (to_stdout) {
    std::fwrite(outcome.json.data(), 1, outcome.json.size(), stdout);
  } else if (!arguments.json.empty()) {
    run::write_file_atomically(arguments.json, outcome.json);
  }
  if (!outcome.error.empty()) throw CellError(outcome.error);
  if (trace) trace->write(config);
  if (outcome.caught_unsafe) throw CellError(fmt::format("{}: a walker used a page that was freed", config.variant));
}

}  // namespace

void add_cell(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("cell", "Measure one cell: one variant under one workload");
  auto arguments = std::make_shared<CellArguments>();
  for (const CellOption& option : cell_options()) {
    CLI::Option* added = verb->add_option_function<std::string>(
        fmt::format("--{}", option.key),
        [arguments, key = option.key](const std::string& value) { arguments->given[key] = value; },
        std::string(option.help));
    added->type_name("");
    if (!option.required()) added->default_str(option.text(CellRequest().config));
  }
  arguments->plugins = add_plugin_option(*verb);
  verb->add_flag_callback(
          "--closed-loop", [arguments] { arguments->given["speed"] = "closed-loop"; },
          "The same as --speed closed-loop")
      ->excludes("--speed");
  verb->add_option("--json", arguments->json, "Write the result as Google Benchmark JSON to FILE; - is stdout")
      ->type_name("FILE");
  verb->add_option(
          "--trace", arguments->trace,
          "Write the cell's timeline to FILE, for Perfetto; it disturbs the cell, which is marked (docs/attach.md)")
      ->type_name("FILE");
  verb->add_option(
          "--trace-records", arguments->trace_records,
          "Records that --trace keeps a thread, of zaps, commits, frees and IPIs, and again of exits and faults")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(timeline::Recorder::kMinRecords, timeline::Recorder::kMaxRecords))
      ->needs("--trace");
  verb->add_flag("--hold", arguments->hold,
                 "Wait before the first zap, for a tool to attach: Enter or SIGUSR1 lets it go on (docs/attach.md)");
  verb->add_option("--id", arguments->id, "Number of the cell in its run's plan, for the probes")->type_name("N");
  verb->footer(
      "Of Google Benchmark's flags, these hold: --benchmark_repetitions=N, --benchmark_report_aggregates_only, "
      "--benchmark_context=KEY=VALUE and --benchmark_out=FILE, which is --json FILE.");
  verb->allow_extras();
  verb->callback([verb, arguments] { run(*arguments, parse_benchmark_flags(verb->remaining())); });
}

}  // namespace shadowwalk::cli
