#pragma once

#include <cstddef>

#include "harness/lab/cell_config.hpp"
#include "harness/trace/trace_event.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// How much memory a cell's shadow pages may take.
struct PageBudget {
  std::size_t capacity = 0;  ///< pages at most
  std::size_t pretouch = 0;  ///< pages whose memory is there before the cell starts
  std::size_t quota = 0;     ///< pages in use at most, by recycling (fault.hpp); 0: no quota
};

/// The memory that a cell's shadow pages may take: half of what is available. A variant that never frees has the pages
/// of its whole life touched beforehand. Throws InputError if they do not fit: rate x time passes half of MemAvailable.
PageBudget page_budget(const CellConfig& config, const Workload& workload);

/// Of a replay. The range of a trace's gfns may have wide holes, and what its zaps leave unfreed depends on its order:
/// what it can need at most is often far from what it does. So nothing is refused here, and a cell whose pages pass
/// half of what is available fails.
PageBudget page_budget(const trace::TraceInfo& info);

}  // namespace shadowwalk
