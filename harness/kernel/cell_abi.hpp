#pragma once

#include <memory>

#include "harness/kernel/abi.h"
#include "harness/lab/cell.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "workloads/workload.hpp"

/// Between a cell as the lab has it and the module's ABI.
namespace shadowwalk::kernel {

/// Shadow pages of a cell in a kernel, whose memory is there before it starts.
struct PoolPages {
  double least = 0;   ///< what must be there: live pages, and all that a variant keeps that never frees
  double wanted = 0;  ///< with all that zaps can retire in the cell's life: no scheme runs out of these
};
/// `budget` is page_budget()'s. Pure.
PoolPages pool_pages(const CellConfig& config, const Workload& workload, const PageBudget& budget);

/// A prepared cell as the module takes it. Its CPUs are those that the placement deals; of its events, the first
/// SHADOWWALK_MAX_EVENTS. Throws InputError for what no kernel can honour; the rest the module refuses itself. Pure.
std::unique_ptr<shadowwalk_request> to_request(const PreparedCell& cell);

/// What the module measured, as the lab's own cells have it. Throws CellError if the counts contradict each other.
/// Looks at this host only to say why an event was refused.
CellMeasurement to_measurement(const PreparedCell& cell, const shadowwalk_request& request,
                               const shadowwalk_result& result);

}  // namespace shadowwalk::kernel
