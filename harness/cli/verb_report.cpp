#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/cli/data_files.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::cli {
namespace {

/// Debian's: a python3 found on PATH may be one without matplotlib.
constexpr const char* kPython = "/usr/bin/python3";

struct ReportOptions {
  std::string directory;
  std::string out;
};

/// The directory that holds the package shadowwalk_report.
std::filesystem::path report_package() {
  const char* chosen = std::getenv("SHADOWWALK_REPORTS");
  if (chosen == nullptr || *chosen == '\0') return find_data_file("reports");
  std::filesystem::path path{chosen};
  std::error_code error;
  if (!std::filesystem::is_directory(path / "shadowwalk_report", error)) {
    throw InputError{
        fmt::format("SHADOWWALK_REPORTS is {}, which holds no shadowwalk_report; correct or unset it", path.string())};
  }
  return path;
}

/// Becomes the Python program, so that its output, exit code and signals are ours. It prints the report's path, and
/// says which package to install when one of its modules is missing.
[[noreturn]] void become_report(const ReportOptions& options) {
  std::string path = report_package().string();
  if (const char* more = std::getenv("PYTHONPATH"); more != nullptr && *more != '\0') path += std::string{":"} + more;
  setenv("PYTHONPATH", path.c_str(), 1);
  setenv("PYTHONSAFEPATH", "1", 1);  // modules in the user's directory must not stand in for ours

  std::vector<std::string> arguments = {kPython, "-m", "shadowwalk_report"};
  if (!options.out.empty()) arguments.insert(arguments.end(), {"--out", options.out});
  arguments.insert(arguments.end(), {"--", options.directory});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(kPython, argv.data());
  throw InputError{
      fmt::format("cannot start {}: {}; reports need Python: install the packages python3 python3-matplotlib "
                  "python3-numpy python3-scipy python3-jinja2",
                  kPython, std::strerror(errno))};
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
  verb->callback([options] { become_report(*options); });
}

}  // namespace shadowwalk::cli
