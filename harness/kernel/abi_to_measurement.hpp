#pragma once

#include "harness/kernel/abi.h"
#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"

namespace shadowwalk::kernel {

/// What the module measured, as the lab's own cells have it. Throws CellError if the counts contradict each other.
/// Pure.
CellMeasurement to_measurement(const PreparedCell& cell, const shadowwalk_request& request,
                               const shadowwalk_result& result);

}  // namespace shadowwalk::kernel
