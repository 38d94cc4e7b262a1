#include "harness/cli/known_names.hpp"

#include "harness/lab/registry.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::cli {

run::KnownNames known_names() {
  run::KnownNames known;
  for (const VariantEntry& entry : Registry::instance().entries()) known.variants.emplace_back(entry.info.name);
  for (const Workload& workload : workloads()) known.workloads.emplace_back(workload.name);
  return known;
}

}  // namespace shadowwalk::cli
