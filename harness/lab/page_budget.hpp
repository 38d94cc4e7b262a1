#pragma once

#include "harness/lab/cell_config.hpp"
#include "harness/lab/registry.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// The memory that a cell's shadow pages may take: half of what is available. A variant that never frees has the pages
/// of its whole life touched beforehand. Throws InputError if they do not fit: rate x time passes half of MemAvailable.
PageBudget page_budget(const CellConfig& config, const Workload& workload);

}  // namespace shadowwalk
