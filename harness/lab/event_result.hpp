#pragma once

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/result_recorder.hpp"

namespace shadowwalk {

/// `<event>_per_walk`, `<event>_per_zap`, `shadowwalk.pmu`, and why an event is not among them.
void record_events(ResultRecorder& out, CellResult& result, const CellMeasurement& cell);

}  // namespace shadowwalk
