#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/cli/live_cell.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/cli/vm_cells.hpp"
#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/cell_request.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/interrupt.hpp"
#include "harness/os/notice.hpp"
#include "harness/os/program.hpp"
#include "harness/run/runner.hpp"
#include "harness/timeline/chrome_trace.hpp"
#include "harness/timeline/recorder.hpp"

namespace shadowwalk::cli {
namespace {

struct CellArguments {
  std::shared_ptr<CellTexts> texts = std::make_shared<CellTexts>();
  std::shared_ptr<const std::vector<std::string>> plugins;
  std::string json;
  std::string trace;
  std::size_t trace_records = timeline::Recorder::kDefaultRecords;
  bool hold = false;
  std::int64_t id = CellConfig().id;
};

CellRequest request_from(const CellTexts& texts) {
  const KnownNames known = known_names();
  CellRequest request;
  for (const CellOption& option : cell_options()) {
    if (const auto text = texts.find(option.key); text != texts.end())
      take(request, "cell", option, text->second, known);
  }
  return request;
}

/// The cell, with the command line that runs it again.
PreparedCell prepare(const CellArguments& arguments) {
  PreparedCell cell = prepare_cell(request_from(*arguments.texts));
  for (const std::string& notice : cell.notices) os::notice(notice);
  std::vector<std::string> words = {"shadowwalk", "cell"};
  for (const auto& more : {plugin_arguments(*arguments.plugins), cell.options}) {
    words.insert(words.end(), more.begin(), more.end());
  }
  cell.config.command = os::shell_line(words);
  cell.config.id = arguments.id;
  return cell;
}

std::filesystem::path checked_trace(const std::string& path, const BenchmarkFlags& flags) {
  if (flags.repetitions > 1) {
    throw InputError(
        "cell: --trace records one cell: leave out --benchmark_repetitions, or run the command once per trace");
  }
  if (path == kStdout || path.empty()) throw InputError("cell: --trace writes a file: give it a name");
  check_output("cell", "--trace", path);
  return path;
}

/// `--trace FILE`: records one cell and writes its timeline when it is over.
class CellTrace {
 public:
  /// Before the cell starts threads; sets `config`'s recorder. Throws InputError: a path that cannot be written, a
  /// cell that is repeated.
  CellTrace(CellConfig& config, const std::string& path, std::size_t records, const BenchmarkFlags& flags)
      : path_(checked_trace(path, flags)), recorder_(records) {
    config.timeline = &recorder_;
  }

  /// When the cell is over: the file, as a whole or not at all, and one line on stderr if records were dropped.
  void write(const CellConfig& config) const {
    os::write_file(path_, timeline::to_chrome_trace(recorder_, "shadowwalk cell " + config.name,
                                                    {{"cell", config.name}, {"command", config.command}}));
    const auto dropped = timeline::dropped_by_probe(recorder_);
    if (dropped.empty()) return;
    std::string text;
    for (const auto& [probe, count] : dropped) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, probe);
    os::notice(fmt::format("--trace: the oldest records were dropped ({}); --trace-records {} keeps more", text,
                           recorder_.records() * 2));
  }

 private:
  const std::filesystem::path path_;
  timeline::Recorder recorder_;
};

/// What Google Benchmark is to read; all other words are misspelt.
BenchmarkFlags benchmark_flags(const CLI::App& verb) {
  const std::vector<std::string> flags = verb.remaining();
  for (const std::string& flag : flags) {
    if (flag.starts_with("--benchmark_")) continue;
    throw InputError(unknown_argument(verb, flag) + " try 'shadowwalk cell --help'");
  }
  return parse_benchmark_flags(flags);
}

/// `cell --machine kernel-vm`: the same command in the virtual machine. What only this host could do is refused.
void run_in_vm(const CellArguments& arguments, const CellRequest& request, const BenchmarkFlags& flags) {
  if (!arguments.trace.empty() || arguments.hold || !arguments.plugins->empty()) {
    throw InputError(
        "cell: --machine kernel-vm: --trace, --hold and --plugin need a cell in this process; leave them out");
  }
  check_output("cell", "--json", arguments.json);
  VmCells cells;
  cells.expect(request);
  std::vector<std::string> words = {"shadowwalk", "cell"};
  const auto options = command_line(request);
  words.insert(words.end(), options.begin(), options.end());
  words.push_back(fmt::format("--benchmark_repetitions={}", flags.repetitions));
  if (flags.aggregates_only) words.emplace_back("--benchmark_report_aggregates_only");
  for (const auto& [key, value] : flags.context) words.push_back(fmt::format("--benchmark_context={}={}", key, value));
  words.insert(words.end(), {"--json", ""});
  const kernel::ScratchDirectory scratch;
  const std::filesystem::path json = scratch.path() / "result.json";
  const auto limit = run::Watchdog().slack + measuring_time(request.config) * 4 * flags.repetitions;
  os::Interrupt interrupt;
  const run::ChildResult child = cells.run(request, words, json, limit, interrupt.fd());
  if (const auto signal = interrupt.caught()) throw CLI::RuntimeError{128 + *signal};
  std::error_code error;
  if (std::filesystem::exists(json, error)) write_output(arguments.json, os::read_file(json));
  if (child.end == run::ChildEnd::kExited && child.exit_code == 0) {
    if (arguments.json != kStdout) fmt::print("{}", child.output);
    return;
  }
  const run::Failure failure = run::classify(child, {}, limit);
  for (const std::string& line : failure.console) os::notice_line(line);
  const std::string& why = failure.reason;
  if (child.end == run::ChildEnd::kExited && child.exit_code == 2) throw InputError(why);
  throw CellError(why);
}

void run(CellArguments arguments, const BenchmarkFlags& flags) {
  if (!flags.out.empty()) {
    if (!arguments.json.empty())
      throw InputError("cell: --benchmark_out and --json both name the file of the result; give one");
    arguments.json = flags.out;
  }
  if (const CellRequest request = request_from(*arguments.texts); needs_virtual_machine(request.config)) {
    return run_in_vm(arguments, request, flags);
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
  // In a run its watchdog is the limit, which the user sets.
  if (arguments.id < 0) {
    config.on_hung = [](const std::string& why) {
      os::notice(why);
      _exit(1);  // nothing is half-written: outputs get their names when they are whole
    };
  }
  config.observer = &live;
  config.counters = &live.counters();
  check_output("cell", "--json", arguments.json);

  const CellOutcome outcome = run_cell_benchmark(cell, flags, arguments.json != kStdout);
  write_output(arguments.json, outcome.json);
  if (!outcome.error.empty()) throw CellError(outcome.error);
  if (trace) trace->write(config);
  if (outcome.caught_unsafe) throw CellError(fmt::format("{}: a walker used a page that was freed", config.variant));
}

}  // namespace

void add_cell(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("cell", "Measure one cell: one variant under one workload");
  auto arguments = std::make_shared<CellArguments>();
  for (const CellOption& option : cell_options()) {
    const std::string fallback = option.required() ? "" : option.text(CellRequest().config);
    add_cell_option(*verb, option, arguments->texts, fallback)->required(option.required());
  }
  arguments->plugins = add_plugin_option(*verb);
  verb->add_flag_callback(
          "--closed-loop", [arguments] { (*arguments->texts)["speed"] = "closed-loop"; },
          "The same as --speed closed-loop")
      ->excludes("--speed");
  verb->add_option("--json", arguments->json, "Write the result as Google Benchmark JSON to FILE; - is stdout")
      ->type_name("FILE");
  verb->add_option("--trace", arguments->trace,
                   "Write the cell's timeline to FILE, for Perfetto; this disturbs the cell, and its result is marked "
                   "(docs/attach.md)")
      ->type_name("FILE");
  verb->add_option(
          "--trace-records", arguments->trace_records,
          "Records that --trace keeps per thread: so many zaps, commits, frees and IPIs, and as many exits and faults")
      ->capture_default_str()
      ->check(CLI::Range(timeline::Recorder::kMinRecords, timeline::Recorder::kMaxRecords))
      ->needs("--trace");
  verb->add_flag(
      "--hold", arguments->hold,
      "Wait before the first zap so that a tool can attach; Enter or SIGUSR1 ends the wait (docs/attach.md)");
  verb->add_option("--id", arguments->id, "Number of the cell in its run's plan, for probes");
  verb->footer(
      "Google Benchmark's flags that work here: --benchmark_repetitions=N, --benchmark_report_aggregates_only,\n"
      "--benchmark_context=KEY=VALUE and --benchmark_out=FILE, which is the same as --json FILE.");
  verb->allow_extras();
  verb->callback([verb, arguments] { run(*arguments, benchmark_flags(*verb)); });
}

}  // namespace shadowwalk::cli
