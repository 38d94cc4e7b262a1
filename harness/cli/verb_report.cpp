#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::cli {
namespace {

/// Debian's: a python3 found on PATH may be one without matplotlib.
constexpr const char* kPython = "/usr/bin/python3";

struct PythonVerb {
  const char* name;
  const char* module;
  const char* summary;
};

constexpr PythonVerb kVerbs[] = {
    {"report", "shadowwalk_report", "Write the report of a run: HTML, PNG figures, tables"},
    {"plot", "shadowwalk_report.plot", "Show one counter of a run over one axis: a table or a figure"},
    {"compare", "shadowwalk_report.compare", "Say what became slower or faster between two runs; a gate for CI"}};

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

}  // namespace

void add_python_verbs(CLI::App& command) {
  for (const PythonVerb& verb : kVerbs) command.add_subcommand(verb.name, verb.summary);
}

void run_python_verb(std::span<char* const> arguments) {
  const PythonVerb* chosen = nullptr;
  for (const PythonVerb& verb : kVerbs) {
    if (!arguments.empty() && arguments.front() == std::string_view(verb.name)) chosen = &verb;
  }
  if (chosen == nullptr) return;
  std::string path = report_package().string();
  if (const char* more = std::getenv("PYTHONPATH"); more != nullptr && *more != '\0') path += std::string{":"} + more;
  setenv("PYTHONPATH", path.c_str(), 1);
  setenv("PYTHONSAFEPATH", "1", 1);  // modules in the user's directory must not stand in for ours

  std::string words[] = {kPython, "-m", chosen->module};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.insert(argv.end(), arguments.begin() + 1, arguments.end());
  argv.push_back(nullptr);
  execv(kPython, argv.data());
  throw InputError{
      fmt::format("cannot start {}: {}; reports need Python: install the packages python3 python3-matplotlib "
                  "python3-numpy python3-scipy python3-jinja2",
                  kPython, std::strerror(errno))};
}

}  // namespace shadowwalk::cli
