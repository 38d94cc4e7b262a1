#pragma once

#include "harness/guest/guest.hpp"
#include "harness/lab/cell_config.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// The guest of a cell: the workload's guest part at the cell's size, seed and burst.
GuestConfig guest_config(const CellConfig& config, const Workload& workload);

}  // namespace shadowwalk
