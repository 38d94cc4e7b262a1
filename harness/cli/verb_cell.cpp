#include <fmt/format.h>

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
#include "harness/lab/cell.hpp"
#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/cell_replay.hpp"
#include "harness/lab/cell_request.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"
#include "harness/replay/trace_name.hpp"
#include "harness/timeline/chrome_trace.hpp"
#include "harness/timeline/recorder.hpp"
#include "harness/trace/trace_reader.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

constexpr const char* kDelayOfNegativeControls = "1/1000:50";

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

/// `auto`: the trace; KVM where it opens, and for the host's own KVM always. The result names what was taken.
void decide_guest(CellConfig& config) {
  if (config.guest != GuestKind::automatic) return;
  if (Registry::instance().at(config.variant).is_reference()) {
    config.guest = GuestKind::kvm;
    return;
  }
  if (replays(config)) {
    config.guest = GuestKind::trace;
    return;
  }
  const std::string reason = kvm_unavailable_reason();
  if (!reason.empty()) fmt::print(stderr, "shadowwalk: --guest auto: thread guests, since {}\n", reason);
  config.guest = reason.empty() ? GuestKind::kvm : GuestKind::thread;
}

/// Sets an option that was not given, as if it had been: the command that runs the cell again holds it.
void decide(CellRequest& request, std::string_view key, std::string_view value) {
  give(request, *find_cell_option(key), value);
}

/// A negative control is there to be caught, and stalls catch it at any rate: on by default for it, and said.
void decide_read_delay(CellRequest& request) {
  const VariantEntry* variant = Registry::instance().find(request.config.variant);
  if (variant->info.safe || request.has("read-delay")) return;
  decide(request, "read-delay", kDelayOfNegativeControls);
  fmt::print(stderr, "shadowwalk: {} is a negative control: --read-delay {} is on (--read-delay off turns it off)\n",
             variant->info.name, kDelayOfNegativeControls);
}

/// A trace says when what is done to which pages.
void decide_replay(std::string_view trace, CellRequest& request) {
  for (const char* key : {"zap-rate", "working-set", "seed", "locality", "writes"}) {
    if (!request.has(key)) continue;
    throw InputError(
        fmt::format("cell: --{} has no meaning with --workload trace:FILE: the trace tells; leave it out", key));
  }
  if (request.has("zappers")) return;
  request.config.zappers = zappers_of(trace::TraceReader(std::filesystem::path(trace)).info());
  request.given.insert("zappers");
}

/// A workload whose guest does all the zapping has no work for zappers, and its working set may be its own.
void decide_workload(CellRequest& request) {
  if (const auto trace = replay::trace_file(request.config.workload)) return decide_replay(*trace, request);
  const Workload workload = load_workload(request.config.workload);
  if (workload.host.empty() && !request.has("zappers")) {
    request.config.zappers = 0;
    request.given.insert("zappers");
  }
  if (!request.has("working-set")) {
    request.config.working_set = workload.working_set;
    request.given.insert("working-set");
  }
}

CellConfig config_from(CellRequest request, const std::vector<std::string>& plugins) {
  decide_guest(request.config);
  request.given.insert("guest");
  decide_read_delay(request);
  decide_workload(request);
  std::vector<std::string> words = {"shadowwalk", "cell"};
  for (const auto& more : {plugin_arguments(plugins), command_line(request)}) {
    words.insert(words.end(), more.begin(), more.end());
  }
  request.config.name = cell_name(request.config);
  request.config.command = os::shell_line(words);
  return request.config;
}

std::filesystem::path checked_trace(const std::string& path, const BenchmarkFlags& flags) {
  if (flags.repetitions > 1) {
    throw InputError(
        "cell: --trace records one cell: leave out --benchmark_repetitions, or run the command once per trace");
  }
  if (path == kStdout || path.empty()) throw InputError("cell: --trace writes a file: give it a name");
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {
    throw InputError(fmt::format("cell: --trace {} is there and no plain file; give another name", path));
  }
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
    os::write_file_atomically(path_, timeline::to_chrome_trace(recorder_, "shadowwalk cell " + config.name,
                                                               {{"cell", config.name}, {"command", config.command}}));
    const auto dropped = timeline::dropped_by_probe(recorder_);
    if (dropped.empty()) return;
    std::string text;
    for (const auto& [probe, count] : dropped) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, probe);
    fmt::print(stderr, "shadowwalk: --trace: the oldest records were dropped ({}); --trace-records {} keeps more\n",
               text, recorder_.records() * 2);
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

void run(CellArguments arguments, const BenchmarkFlags& flags) {
  if (!flags.out.empty()) {
    if (!arguments.json.empty())
      throw InputError("cell: --benchmark_out and --json both name the file of the result; give one");
    arguments.json = flags.out;
  }
  CellConfig config = config_from(request_from(*arguments.texts), *arguments.plugins);
  config.id = arguments.id;
  std::optional<CellTrace> trace;
  if (!arguments.trace.empty() && arguments.trace == arguments.json) {
    throw InputError("cell: --trace and --json name the same file; give them one each");
  }
  if (!arguments.trace.empty()) trace.emplace(config, arguments.trace, arguments.trace_records, flags);
  LiveCell live(config, arguments.hold);
  config.on_ready = [&live] { live.on_ready(); };
  config.onlookers = &live;
  config.counters = &live.counters();
  check_output("cell", "--json", arguments.json);

  const bool to_stdout = arguments.json == kStdout;
  const CellOutcome outcome = run_cell_benchmark(config, flags, !to_stdout);
  if (to_stdout) {
    std::fwrite(outcome.json.data(), 1, outcome.json.size(), stdout);
  } else if (!arguments.json.empty()) {
    os::write_file_atomically(arguments.json, outcome.json);
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
  verb->add_option(
          "--trace", arguments->trace,
          "Write the cell's timeline to FILE, for Perfetto; it disturbs the cell, which is marked (docs/attach.md)")
      ->type_name("FILE");
  verb->add_option(
          "--trace-records", arguments->trace_records,
          "Records that --trace keeps per thread: so many zaps, commits, frees and IPIs, and as many exits and faults")
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
  verb->callback([verb, arguments] { run(*arguments, benchmark_flags(*verb)); });
}

}  // namespace shadowwalk::cli
