#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/result_document.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/program.hpp"
#include "harness/projection/host_comparison.hpp"
#include "harness/projection/projection.hpp"
#include "harness/projection/topology_file.hpp"
#include "harness/replay/trace_guest.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

using coherence::Topology;
using projection::Projected;

constexpr unsigned kMostVcpus = 510;

struct ProjectOptions {
  std::shared_ptr<const std::vector<std::string>> plugins;
  std::shared_ptr<CellTexts> texts = std::make_shared<CellTexts>();
  std::vector<std::string> variants;
  std::vector<std::string> vcpus{"1", "2", "4", "8", "16", "32", "64", "128", "256"};
  std::string topology = "epyc-9005";
  std::string json;
  std::string write_topology;
  unsigned rounds = 5;
};

/// A simulated cell's own defaults: simulating a second takes minutes.
CellRequest default_request() {
  CellRequest request;
  request.config.workload = "mmio-poll";
  request.config.duration = std::chrono::milliseconds(2);
  request.config.warmup = std::chrono::microseconds(200);
  request.given = {"workload", "zap-rate", "walks-per-exit", "duration", "warmup", "seed"};
  return request;
}

/// The row of the option table, with the ranges of simulated cells.
CellOption simulated_option(std::string_view key) {
  CellOption option = *find_cell_option(key);
  if (key == "duration") option.minimum = 1;
  if (key == "vcpus") option.maximum = kMostVcpus;
  return option;
}

/// What was asked for, variant and vCPUs aside.
CellRequest request_from(const ProjectOptions& options) {
  const KnownNames known = known_names();
  CellRequest request = default_request();
  for (const auto& [key, text] : *options.texts) {
    const CellOption option = simulated_option(key);
    if (!option.not_simulated.empty()) {
      throw InputError(fmt::format("project: --{}: {}; leave it out", key, option.not_simulated));
    }
    take(request, "project", option, text, known);
  }
  if (request.config.rcu_interval.of_kernel) {
    throw InputError("project: --rcu-interval host: the simulated machine has no kernel of its own; give a time");
  }
  if (request.config.mmu_lock == MmuLockKind::rwlock) {
    throw InputError(
        "project: --mmu-lock rwlock: the simulated machine has no kernel of its own; give ticket or mutex");
  }
  if (replay::trace_file(request.config.workload)) {
    throw InputError(
        "project: --workload trace:FILE: no trace is replayed on the simulated machine; "
        "replay it with shadowwalk cell");
  }
  follow_workload(request, load_workload(request.config.workload));
  return request;
}

/// One request per number of --vcpus.
std::vector<CellRequest> requests_from(const ProjectOptions& options) {
  std::vector<CellRequest> requests;
  const CellRequest common = request_from(options);
  for (const std::string& text : options.vcpus) {
    take(requests.emplace_back(common), "project", simulated_option("vcpus"), text, {});
  }
  return requests;
}

std::string simulated_name(CellConfig config, const Topology& topology) {
  config.placement = topology.name;
  return cell_name(config, {}, "simulated");
}

/// The command line that simulates one cell again.
std::string command_of(const ProjectOptions& options, const CellRequest& request) {
  std::vector<std::string> words = {"shadowwalk", "project"};
  const std::vector<std::string> end = {"--topology", options.topology, "--rounds", "0"};
  for (const auto& more : {plugin_arguments(*options.plugins), command_line(request), end}) {
    words.insert(words.end(), more.begin(), more.end());
  }
  return os::shell_line(words);
}

void print_head(const Topology& topology) {
  fmt::print("SIMULATED: {} ({} CPUs). {}\n\n", topology.name, topology.cpus(), topology.summary);
  fmt::print("{:<16}{:>6}{:>12}{:>11}{:>12}{:>13}{:>13}{:>13}\n", "variant", "vCPUs", "M walks/s", "ns/walk",
             "lines/walk", "commit p50", "free p99", "retired peak");
}

void print_row(const CellConfig& cell, const CellResult& result) {
  const auto figure = [&](const char* name, double scale, std::string_view unit) {
    const auto found = result.counters.find(name);
    return found == result.counters.end() ? std::string("-") : fmt::format("{:.4g}{}", found->second / scale, unit);
  };
  fmt::print("{:<16}{:>6}{:>12}{:>11}{:>12}{:>13}{:>13}{:>13}\n", cell.variant, cell.vcpus,
             figure("walks_per_second", 1e6, ""), figure("walk_ns_mean", 1, ""),
             figure("line_transfers_per_walk", 1, ""), figure("commit_zap_ns_p50", 1e3, " us"),
             figure("free_ns_p99", 1e3, " us"), figure("retired_bytes_peak", 1024, " KiB"));
  std::fflush(stdout);
}

void print_held(const projection::HostComparison& held) {
  fmt::print("\nHeld against this host: read side of rcu-counter over that of irq-ipi\n");
  for (const projection::HostComparison::Row& row : held.rows) {
    fmt::print("  {} vCPU{}  simulated {:.2f}, measured {:.2f} ({:.2f} to {:.2f}): the model is off by {:+.0f} %\n",
               row.vcpus, row.vcpus == 1 ? " " : "s", row.simulated_ratio, row.measured_ratio, row.measured_least,
               row.measured_greatest, row.error_percent());
  }
  if (!held.missing.empty()) fmt::print("  {}\n", held.missing);
}

void run_project(const ProjectOptions& options) {
  const auto variants =
      projection::projected_variants().choose("--variants", options.variants, &VariantEntry::can_be_projected);
  std::vector<CellRequest> requests = requests_from(options);
  const bool to_stdout = options.json == kStdout;
  check_output("project", "--json", options.json);
  check_output("project", "--write-topology", options.write_topology);

  std::optional<Topology> host;
  if (options.topology == "host" || options.rounds != 0 || !options.write_topology.empty()) {
    host = projection::measure_host_topology();
  }
  if (host) write_output(options.write_topology, projection::to_toml(*host));
  const Topology topology = options.topology == "host" ? *host : projection::load_topology(options.topology);
  for (const CellRequest& request : requests) projection::check_projection(request.config, topology);

  if (!to_stdout) print_head(topology);
  ResultDocument document{.executable = "shadowwalk project", .context = {}, .cells = {}};
  for (CellRequest& request : requests) {
    for (const VariantEntry* variant : variants) {
      CellConfig& cell = request.config;
      cell.variant = variant->info.name;
      request.given.insert("variant");
      cell.name = simulated_name(cell, topology);
      cell.command = command_of(options, request);
      if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{} with {} vCPUs ...\x1b[K", cell.variant, cell.vcpus);
      const Projected projected = variant->project(cell, topology);
      if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\x1b[K");
      document.cells.push_back({cell.name, {{.result = projection::make_simulated_result(cell, topology, projected)}}});
      if (!to_stdout) print_row(cell, document.cells.back().second.front().result);
    }
  }
  std::optional<projection::HostComparison> held;
  if (options.rounds != 0) held = projection::compare_with_host(*host, options.rounds);
  if (held && !to_stdout) print_held(*held);
  for (auto& [name, repetitions] : document.cells) {
    for (Repetition& repetition : repetitions)
      projection::record_comparison(repetition.result, held ? &*held : nullptr);
  }
  write_output(options.json, to_text(std::move(document)));
}

}  // namespace

void add_project(CLI::App& command) {
  auto options = std::make_shared<ProjectOptions>();
  CLI::App* verb = command.add_subcommand(
      "project",
      "Simulate cells on a machine with more CPUs: what variants would cost there, by a model of its caches");
  verb->add_option("--variants,--variant", options->variants, "Their names, or all: every one that claims to be safe")
      ->delimiter(',')
      ->required();
  verb->add_option("--vcpus", options->vcpus, fmt::format("One cell per number, each 1 to {}", kMostVcpus))
      ->delimiter(',')
      ->capture_default_str();
  options->plugins = add_plugin_option(*verb);
  verb->add_option("--topology", options->topology, "host, epyc-9005, spr-2s or FILE.toml (docs/project.md)")
      ->capture_default_str();
  for (const CellOption& option : cell_options()) {
    if (option.key == "variant" || option.key == "vcpus") continue;
    CLI::Option* added =
        add_cell_option(*verb, simulated_option(option.key), options->texts, option.text(default_request().config));
    if (!option.not_simulated.empty()) added->group("");  // not in --help; refused with its reason
  }
  verb->add_option("--rounds", options->rounds,
                   "Rounds of real cells on this host that the model is compared with, 2 s each; 0: none")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  verb->add_option("--write-topology", options->write_topology, "Write this host's topology, as measured, to FILE");
  verb->add_option("--json", options->json, "Write the results as Google Benchmark JSON to FILE; - is stdout");
  verb->footer("Only the last lines are measured: they say how far the model is off on this host (docs/project.md).");
  verb->callback([options] { run_project(*options); });
}

}  // namespace shadowwalk::cli
