#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/cli/python_program.hpp"
#include "harness/cli/verbs.hpp"

namespace shadowwalk::cli {
namespace {

struct CompareOptions {
  std::string base;
  std::string new_one;
  std::string fail_on;
  std::string threshold;
  std::string metrics;
  std::string json;
  bool across_hosts = false;
  bool all = false;
};

/// The Python program checks the values; its exit code is 1 when the gate fails.
[[noreturn]] void become_compare(const CompareOptions& options) {
  const std::vector<std::pair<const char*, const std::string*>> values = {{"--fail-on=", &options.fail_on},
                                                                          {"--threshold=", &options.threshold},
                                                                          {"--metrics=", &options.metrics},
                                                                          {"--json=", &options.json}};
  std::vector<std::string> arguments;
  for (const auto& value : values) {
    if (!value.second->empty()) arguments.push_back(value.first + *value.second);
  }
  if (options.across_hosts) arguments.emplace_back("--across-hosts");
  if (options.all) arguments.emplace_back("--all");
  arguments.insert(arguments.end(), {"--", options.base, options.new_one});
  become_python("shadowwalk_report.compare", arguments);
}

}  // namespace

void add_compare(CLI::App& command) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* verb =
      command.add_subcommand("compare", "Say what became slower or faster between two runs; a gate for CI");
  verb->add_option("base", options->base, "What was: a run directory, a cell's result, or any Google Benchmark JSON")
      ->required()
      ->type_name("BASE");
  verb->add_option("new", options->new_one, "What is: the same")->required()->type_name("NEW");
  verb->add_option(
          "--fail-on", options->fail_on,
          "slower:5%: exit with 1 if a cell is SLOWER by more, or has violations; missing: also if one of BASE "
          "is not in NEW; both, parted by a comma")
      ->type_name("RULES");
  verb->add_option("--threshold", options->threshold, "The smallest change that counts (default: the gate's, else 5%)")
      ->type_name("P%");
  verb->add_option("--metrics", options->metrics,
                   "Any of walk_ns_mean,walks_per_second,retired_bytes_peak,free_ns_p99,zap_ns_p99,time (default: all)")
      ->type_name("LIST");
  verb->add_option("--json", options->json, "Write all of it, values included")->type_name("FILE");
  verb->add_flag("--across-hosts", options->across_hosts, "Compare although the hosts are not the same one");
  verb->add_flag("--all", options->all, "Show also what is SAME or AMBIGUOUS");
  verb->footer(
      "Exit codes: 0, 1 the gate failed and the cells are named, 2 bad input. docs/reports.md has the rules of the\n"
      "verdicts.");
  verb->callback([options] { become_compare(*options); });
}

}  // namespace shadowwalk::cli
