#include <memory>
#include <string>
#include <vector>

#include "harness/cli/python_program.hpp"
#include "harness/cli/verbs.hpp"

namespace shadowwalk::cli {
namespace {

struct ReportOptions {
  std::string directory;
  std::string out;
  std::string baseline;
  std::string formats;
  bool with_perturbed = false;
};

/// The Python program checks the values and prints the report's path.
[[noreturn]] void become_report(const ReportOptions& options) {
  std::vector<std::string> arguments;
  if (!options.out.empty()) arguments.insert(arguments.end(), {"--out", options.out});
  if (!options.baseline.empty()) arguments.push_back("--baseline=" + options.baseline);
  if (!options.formats.empty()) arguments.push_back("--format=" + options.formats);
  if (options.with_perturbed) arguments.push_back("--with-perturbed");
  arguments.insert(arguments.end(), {"--", options.directory});
  become_python("shadowwalk_report", arguments);
}

}  // namespace

void add_report(CLI::App& command) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* verb = command.add_subcommand("report", "Write the report of a run: HTML, PNG figures, tables");
  verb->add_option("directory", options->directory,
                   "What `shadowwalk run --out` wrote; a run that is still going will do")
      ->required()
      ->type_name("DIR");
  verb->add_option("--out", options->out, "Where the report goes (default: DIR/report)")->type_name("DIR");
  verb->add_option("--baseline", options->baseline,
                   "What the others are held against (default: irq-ipi where it was measured, else leak)")
      ->type_name("VARIANT");
  verb->add_option("--format", options->formats,
                   "Any of html,png,csv,md,json (default: html,png,csv,json); report.json is always written")
      ->type_name("LIST");
  verb->add_flag("--with-perturbed", options->with_perturbed,
                 "Let verdicts rest on cells that were attached to, too (docs/attach.md)");
  verb->callback([options] { become_report(*options); });
}

}  // namespace shadowwalk::cli
