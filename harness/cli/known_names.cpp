#include "harness/cli/known_names.hpp"

#include <filesystem>

#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/trace/trace_reader.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {

run::KnownNames known_names() {
  run::KnownNames known;
  for (const VariantEntry& entry : Registry::instance().entries()) known.variants.emplace_back(entry.info.name);
  for (const Workload& workload : workloads()) known.workloads.emplace_back(workload.name);
  known.check_workload_file = [](std::string_view file) -> std::optional<std::string> {
    try {
      if (const auto trace = replay::trace_file(file)) {
        trace::TraceReader{std::filesystem::path(*trace)};
      } else {
        load_workload(file);
      }
      return std::nullopt;
    } catch (const InputError& error) {
      return error.what();
    }
  };
  return known;
}

}  // namespace shadowwalk::cli
