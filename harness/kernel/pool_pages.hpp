#pragma once

#include "harness/lab/cell_config.hpp"
#include "harness/lab/page_budget.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::kernel {

/// Shadow pages of a cell in a kernel, whose memory is there before it starts.
struct PoolPages {
  double least = 0;   ///< what must be there: live pages, and all that a variant keeps that never frees
  double wanted = 0;  ///< with all that zaps can retire in the cell's life: no scheme runs out of these
};
/// `budget` is page_budget()'s. Pure.
PoolPages pool_pages(const CellConfig& config, const Workload& workload, const PageBudget& budget);

}  // namespace shadowwalk::kernel
