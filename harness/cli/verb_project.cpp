#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/plugin_option.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/projection/document.hpp"
#include "harness/projection/host_topology.hpp"
#include "harness/projection/projection.hpp"
#include "harness/projection/topology_file.hpp"
#include "harness/text/duration.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::cli {
namespace {

using coherence::Topology;
using projection::Projected;
using projection::ProjectedVariant;

constexpr unsigned kMostVcpus = 510;

struct ProjectOptions {
  std::shared_ptr<const std::vector<std::string>> plugins;
  std::vector<std::string> variants;
  std::vector<std::string> vcpus{"1", "2", "4", "8", "16", "32", "64", "128", "256"};
  std::string topology = "epyc-9005";
  std::string duration = "2ms";
  std::string warmup = "200us";
  std::string rcu_interval = "0";
  std::string json;
  std::string write_topology;
  unsigned rounds = 5;
  CellConfig cell;
};

std::vector<const ProjectedVariant*> chosen_variants(const std::vector<std::string>& names) {
  std::vector<const ProjectedVariant*> chosen;
  std::vector<std::string> known{"all"};
  for (const ProjectedVariant& variant : projection::projected_variants()) known.emplace_back(variant.info.name);
  for (const std::string& name : names) {
    const std::size_t before = chosen.size();
    for (const ProjectedVariant& variant : projection::projected_variants()) {
      if (variant.info.name == name || (name == "all" && variant.info.safe)) chosen.push_back(&variant);
    }
    if (chosen.size() == before) {
      throw InputError(fmt::format("--variants {}: there is none of that name{} there are {}", name,
                                   suggestion(name, known), fmt::join(known, ", ")));
    }
  }
  return chosen;
}

std::vector<unsigned> vcpu_counts(const std::vector<std::string>& texts) {
  std::vector<unsigned> counts;
  for (const std::string& text : texts) {
    unsigned count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count == 0 || count > kMostVcpus) {
      throw InputError(fmt::format("--vcpus {}: numbers from 1 to {}, as 1,2,64", text, kMostVcpus));
    }
    counts.push_back(count);
  }
  return counts;
}

std::chrono::nanoseconds time_of(std::string_view option, const std::string& text, bool may_be_zero) {
  const auto time = parse_duration(text);
  if (!time || (time->count() == 0 && !may_be_zero)) {
    throw InputError(fmt::format("{} {}: a time, as 1ms or 200us", option, text));
  }
  return *time;
}

std::string cell_name(const CellConfig& cell, const Topology& topology) {
  return fmt::format("{}/{}/vcpus:{}/zappers:{}/zap_rate:{:.0f}/burst:{}/guest:simulated/placement:{}", cell.variant,
                     cell.workload, cell.vcpus, cell.zappers, cell.zap_rate, cell.walks_per_exit, topology.name);
}

/// The command line that simulates one cell again.
std::string command_of(const ProjectOptions& options, const CellConfig& cell) {
  return fmt::format(
      "shadowwalk project{} --variants {} --workload {} --vcpus {} --zappers {} --zap-rate {:.0f} --walks-per-exit {} "
      "--duration {} --warmup {} --rcu-interval {} --working-set {} --seed {} --topology {} --rounds 0",
      plugin_arguments(*options.plugins), cell.variant, cell.workload, cell.vcpus, cell.zappers, cell.zap_rate,
      cell.walks_per_exit, options.duration, options.warmup, options.rcu_interval, cell.working_set, cell.seed,
      options.topology);
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

void print_held(const projection::HeldAgainstHost& held) {
  fmt::print("\nHeld against this host: read side of rcu-counter over that of irq-ipi\n");
  for (const projection::Held& row : held.rows) {
    fmt::print("  {} vCPU{}  simulated {:.2f}, measured {:.2f} ({:.2f} to {:.2f}): the model is off by {:+.0f} %\n",
               row.vcpus, row.vcpus == 1 ? " " : "s", row.simulated_ratio, row.measured_ratio, row.measured_least,
               row.measured_greatest, row.error_percent());
  }
  if (!held.missing.empty()) fmt::print("  {}\n", held.missing);
}

void run_project(const ProjectOptions& options) {
  const auto variants = chosen_variants(options.variants);
  const auto counts = vcpu_counts(options.vcpus);
  CellConfig cell = options.cell;
  cell.duration = time_of("--duration", options.duration, false);
  cell.warmup = time_of("--warmup", options.warmup, true);
  cell.rcu_interval = time_of("--rcu-interval", options.rcu_interval, true);
  if (load_workload(cell.workload).host.empty()) cell.zappers = 0;
  const bool to_stdout = options.json == kStdout;
  for (const std::string& file : {options.json, options.write_topology}) {
    if (!file.empty() && file != kStdout) os::require_space(std::filesystem::absolute(file).parent_path(), 1);
  }

  std::optional<Topology> host;
  if (options.topology == "host" || options.rounds != 0 || !options.write_topology.empty()) {
    host = projection::measure_host_topology();
  }
  if (!options.write_topology.empty()) os::write_file_atomically(options.write_topology, projection::to_toml(*host));
  const Topology topology = options.topology == "host" ? *host : projection::load_topology(options.topology);
  for (const unsigned vcpus : counts) {
    cell.vcpus = vcpus;
    projection::check_projection(cell, topology);
  }

  if (!to_stdout) print_head(topology);
  std::vector<projection::Entry> entries;
  for (const unsigned vcpus : counts) {
    for (const ProjectedVariant* variant : variants) {
      cell.vcpus = vcpus;
      cell.variant = variant->info.name;
      cell.name = cell_name(cell, topology);
      cell.command = command_of(options, cell);
      if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{} with {} vCPUs ...\x1b[K", cell.variant, vcpus);
      const Projected projected = variant->project(cell, topology);
      if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\x1b[K");
      entries.push_back({cell.name, projection::make_simulated_result(cell, topology, projected)});
      if (!to_stdout) print_row(cell, entries.back().result);
    }
  }
  std::optional<projection::HeldAgainstHost> held;
  if (options.rounds != 0) held = projection::hold_against_host(*host, options.rounds);
  if (held && !to_stdout) print_held(*held);
  if (options.json.empty()) return;
  const std::string document = projection::make_document(std::move(entries), held ? &*held : nullptr);
  if (to_stdout) {
    std::fwrite(document.data(), 1, document.size(), stdout);
  } else {
    os::write_file_atomically(options.json, document);
  }
}

}  // namespace

void add_project(CLI::App& command) {
  auto options = std::make_shared<ProjectOptions>();
  CLI::App* verb = command.add_subcommand(
      "project",
      "Simulate cells on a machine with more CPUs: what variants would cost there, by a model of its caches");
  CellConfig& cell = options->cell;
  cell.workload = "mmio-poll";
  verb->add_option("--variants", options->variants, "Their names, or all: every one that claims to be safe")
      ->delimiter(',')
      ->required();
  options->plugins = add_plugin_option(*verb);
  verb->add_option("--workload", cell.workload, "Its name, or a file: ./mine.toml")->capture_default_str();
  verb->add_option("--vcpus", options->vcpus, "One cell for each number")->delimiter(',')->capture_default_str();
  verb->add_option("--topology", options->topology, "host, epyc-9005, spr-2s or FILE.toml (docs/project.md)")
      ->capture_default_str();
  verb->add_option("--zappers", cell.zappers, "Threads that zap")->check(CLI::Range(0, 16))->capture_default_str();
  verb->add_option("--zap-rate", cell.zap_rate, "Zaps a second, all zappers together")
      ->check(CLI::Range(1.0, 1e7))
      ->capture_default_str();
  verb->add_option("--walks-per-exit", cell.walks_per_exit, "Accesses of a guest between two exits")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  verb->add_option("--working-set", cell.working_set, "4 KiB pages")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  verb->add_option("--duration", options->duration, "Simulated time that is measured")->capture_default_str();
  verb->add_option("--warmup", options->warmup, "Simulated time before")->capture_default_str();
  verb->add_option("--rcu-interval", options->rcu_interval, "Grace periods begin at its multiples; 0: at once")
      ->capture_default_str();
  verb->add_option("--seed", cell.seed, "The same seed gives the same figures")->capture_default_str();
  verb->add_option("--rounds", options->rounds,
                   "Rounds of real cells that the model is held against on this host, 2 s each; 0: none")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  verb->add_option("--write-topology", options->write_topology, "Write this host's topology, as measured, to FILE");
  verb->add_option("--json", options->json, "Write the results as Google Benchmark JSON to FILE; - is stdout");
  verb->footer(
      "Nothing of it is a measurement but the last lines, which tell what the model is worth (docs/project.md).");
  verb->callback([options] { run_project(*options); });
}

}  // namespace shadowwalk::cli
