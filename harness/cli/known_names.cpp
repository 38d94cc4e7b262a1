#include "harness/cli/known_names.hpp"

#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {

run::KnownNames known_names() {
  run::KnownNames known;
  for (const VariantEntry& entry : Registry::instance().entries()) known.variants.emplace_back(entry.info.name);
  for (const Workload& workload : workloads()) known.workloads.emplace_back(workload.name);
  known.check_workload_file = [](std::string_view file) -> std::optional<std::string> {
    try {
      load_workload(file);
      return std::nullopt;
    } catch (const InputError& error) {
      return error.what();
    }
  };
  return known;
}

}  // namespace shadowwalk::cli
