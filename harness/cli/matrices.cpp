#include "harness/cli/matrices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "harness/cli/arguments.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/text/suggestion.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {
namespace {

/// Each of a matrix's workloads once: a file may be long.
class Workloads {
 public:
  const Workload& load(const std::string& name) {
    auto found = loaded_.find(name);
    if (found == loaded_.end()) found = loaded_.emplace(name, load_workload(name)).first;
    return found->second;
  }

 private:
  std::map<std::string, Workload> loaded_;
};

}  // namespace

std::vector<std::filesystem::path> shipped_matrices() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(find_data_file("matrices"))) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::filesystem::path matrix_file(const std::filesystem::path& given) {
  std::error_code error;
  const bool is_name = !given.has_parent_path() && !given.has_extension();
  const bool is_there = std::filesystem::exists(given, error);
  if (is_there && !(is_name && std::filesystem::is_directory(given, error))) return given;  // a folder hides no matrix
  if (!is_name && given.parent_path() != "matrices") return given;
  std::vector<std::string> known;
  for (const std::filesystem::path& file : shipped_matrices()) {
    if (file.stem() == given.stem()) return file;
    known.push_back(file.stem());
  }
  if (!is_name || is_there) return given;
  throw InputError{fmt::format("run: unknown matrix '{}'{} known: {}; or give a file, ./mine.toml", given.string(),
                               suggestion(given.string(), known), fmt::join(known, " "))};
}

run::PlanHost plan_host() {
  const auto decide = [workloads = std::make_shared<Workloads>()](CellRequest& request) {
    const std::string& workload = request.config.workload;
    if (!replay::trace_file(workload)) follow_workload(request, workloads->load(workload));
    return decide_guest(request, Registry::instance().at(request.config.variant));
  };
  const auto why_not = [](const CellRequest& decided) -> std::string {
    try {
      check_variant(Registry::instance().at(decided.config.variant), decided.config);
      return {};
    } catch (const InputError& error) {
      return error.what();
    }
  };
  return {.decide = decide, .why_not = why_not};
}

}  // namespace shadowwalk::cli
