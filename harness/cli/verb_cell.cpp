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

#include "harness/cli/cell_trace.hpp"
#include "harness/cli/known_names.hpp"
#include "harness/cli/live_cell.hpp"
#include "harness/cli/plugin_option.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/cell_replay.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/replay/lane.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/run/cell_options.hpp"
#include "harness/text/duration.hpp"
#include "harness/trace/trace_reader.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

constexpr const char* kDelayOfNegativeControls = "1/1000:50";

struct CellArguments {
  std::map<std::string, std::string> given;  ///< by option key
  std::shared_ptr<const std::vector<std::string>> plugins;
  std::string json;
  std::string trace;
  std::size_t trace_records = timeline::Recorder::kDefaultRecords;
  bool hold = false;
  std::int64_t id = CellConfig().id;
};

run::CellOptions checked_options(const CellArguments& arguments) {
  const run::KnownNames known = known_names();
  run::CellOptions options;
  for (const run::CellOption& option : run::cell_option_table()) {
    const auto given = arguments.given.find(std::string(option.key));
    if (given == arguments.given.end() || given->second.empty()) {
      if (option.fallback.empty())
        throw InputError(fmt::format("cell: --{} is missing; try 'shadowwalk cell --help'", option.key));
      continue;
    }
    if (const auto wrong = run::check_value(option, given->second, known)) {
      // "vcpus is 0; ..." reads as the option it is about; "unknown variant ..." stands as it is.
      throw InputError(fmt::format("cell: {}{}", wrong->starts_with(option.key) ? "--" : "", *wrong));
    }
    options[std::string(option.key)] = given->second;
  }
  return options;
}

/// The trace that is to be replayed; nothing for other workloads.
std::optional<std::string_view> trace_of(const run::CellOptions& options) {
  return replay::trace_file(run::effective_value(options, "workload"));
}

/// `auto`: the trace; KVM where it opens. The result names what was taken.
void decide_guest(run::CellOptions& options) {
  if (run::effective_value(options, "guest") != "auto") return;
  if (trace_of(options)) {
    options["guest"] = "trace";
    return;
  }
  const std::string reason = kvm_unavailable_reason();
  if (!reason.empty()) fmt::print(stderr, "shadowwalk: --guest auto: thread guests, since {}\n", reason);
  options["guest"] = reason.empty() ? "kvm" : "thread";
}

/// A negative control is there to be caught, and stalls catch it at any rate: on by default for it, and said.
void decide_read_delay(run::CellOptions& options) {
  const VariantEntry* variant = Registry::instance().find(run::effective_value(options, "variant"));
  if (variant->info.safe || options.contains("read-delay")) return;
  options["read-delay"] = kDelayOfNegativeControls;
  fmt::print(stderr, "shadowwalk: {} is a negative control: --read-delay {} is on (--read-delay off turns it off)\n",
             variant->info.name, kDelayOfNegativeControls);
}

/// A trace says when what is done to which pages.
void decide_replay(std::string_view trace, run::CellOptions& options) {
  for (const char* key : {"zap-rate", "working-set", "seed", "locality", "writes"}) {
    if (!options.contains(key)) continue;
    throw InputError(
        fmt::format("cell: --{} has no meaning with --workload trace:FILE: the trace tells; leave it out", key));
  }
  if (!options.contains("zappers")) {
    options["zappers"] = std::to_string(zappers_of(trace::TraceReader(std::filesystem::path(trace)).info()));
  }
}

/// A workload whose guest does all the zapping has no work for zappers, and its working set may be its own.
void decide_workload(run::CellOptions& options) {
  if (const auto trace = trace_of(options)) return decide_replay(*trace, options);
  const Workload workload = load_workload(run::effective_value(options, "workload"));
  if (workload.host.empty() && !options.contains("zappers")) options["zappers"] = "0";
  if (!options.contains("working-set")) options["working-set"] = std::to_string(workload.working_set);
}

Instrumentation instrumentation(std::string_view text) {
  if (text == "none") return Instrumentation::none;
  return text == "light" ? Instrumentation::light : Instrumentation::full;
}

/// `1/N:US`, checked before.
ReadDelay read_delay(std::string_view text) {
  if (text == "off") return {};
  ReadDelay delay;
  char* end = nullptr;
  const std::string copy(text.substr(2));
  delay.one_in = std::strtoull(copy.c_str(), &end, 10);
  delay.stall_us = std::strtod(end + 1, nullptr);
  return delay;
}

CellConfig config_from(const run::CellOptions& options, const std::vector<std::string>& plugins) {
  const auto text = [&](std::string_view key) { return std::string(run::effective_value(options, key)); };
  const auto number = [&](std::string_view key) { return std::strtoull(text(key).c_str(), nullptr, 10); };
  const auto time = [&](std::string_view key) { return parse_duration(text(key)).value(); };
  CellConfig config;
  config.name = run::cell_name(options, {});
  config.variant = text("variant");
  config.workload = text("workload");
  config.vcpus = static_cast<unsigned>(number("vcpus"));
  config.zappers = static_cast<unsigned>(number("zappers"));
  config.zap_rate = static_cast<double>(number("zap-rate"));
  config.walks_per_exit = static_cast<unsigned>(number("walks-per-exit"));
  config.guest = text("guest") == "kvm"     ? GuestKind::kvm
                 : text("guest") == "trace" ? GuestKind::trace
                                            : GuestKind::thread;
  config.placement = text("placement");
  config.mmu_lock = text("mmu-lock") == "mutex" ? MmuLockKind::mutex : MmuLockKind::ticket;
  config.duration = time("duration");
  config.warmup = time("warmup");
  config.seed = number("seed");
  config.rcu_interval = time("rcu-interval");
  config.full_checks = text("checks") == "full";
  config.read_delay = read_delay(text("read-delay"));
  config.working_set = number("working-set");
  if (text("locality") != run::kAsTheWorkloadSays) config.locality = parse_locality(text("locality")).value();
  if (text("writes") != run::kAsTheWorkloadSays) config.write_percent = static_cast<unsigned>(number("writes"));
  if (trace_of(options) || options.contains("speed")) config.pace = replay::parse_pace(text("speed")).value();
  config.instrumentation = instrumentation(text("instrumentation"));
  if (text("events") != "none") config.events = text("events");
  config.command = "shadowwalk cell" + plugin_arguments(plugins);
  for (const std::string& argument : run::command_line(options)) config.command += " " + argument;
  return config;
}

void run(const CellArguments& arguments, const std::vector<std::string>& benchmark_flags) {
  run::CellOptions options = checked_options(arguments);
  decide_guest(options);
  decide_read_delay(options);
  decide_workload(options);
  CellConfig config = config_from(options, *arguments.plugins);
  config.id = arguments.id;
  std::optional<CellTrace> trace;
  if (!arguments.trace.empty() && arguments.trace == arguments.json) {
    throw InputError("cell: --trace and --json name the same file; give them one each");
  }
  if (!arguments.trace.empty()) trace.emplace(config, arguments.trace, arguments.trace_records, benchmark_flags);
  LiveCell live(config, arguments.hold);
  config.on_ready = [&live] { live.on_ready(); };
  config.onlookers = &live;
  config.counters = &live.counters();
  const bool to_stdout = arguments.json == kStdout;
  if (!arguments.json.empty() && !to_stdout) {
    os::require_space(std::filesystem::absolute(arguments.json).parent_path(), 1);
  }

  const CellOutcome outcome = run_cell_benchmark(config, benchmark_flags, !to_stdout);
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
  for (const run::CellOption& option : run::cell_option_table()) {
    CLI::Option* added = verb->add_option_function<std::string>(
        fmt::format("--{}", option.key),
        [arguments, key = std::string(option.key)](const std::string& value) { arguments->given[key] = value; },
        std::string(option.help));
    added->type_name("");
    if (!option.fallback.empty()) added->default_str(std::string(option.fallback));
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
  verb->footer("Google Benchmark's flags hold too, as --benchmark_repetitions=5 or --benchmark_out=FILE.");
  verb->allow_extras();
  verb->callback([verb, arguments] { run(*arguments, verb->remaining()); });
}

}  // namespace shadowwalk::cli
