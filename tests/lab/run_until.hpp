#pragma once

#include <chrono>

#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/workload_events.hpp"

namespace shadowwalk::test {

/// Runs the cell for ever longer until `enough(cell)` and its workload's promises hold: on a busy machine, and under a
/// sanitizer, a short window can pass without a burst. The last try, at more than 20 s, counts as it is.
template <class Enough>
CellMeasurement run_until(CellConfig config, Enough enough) {
  for (;; config.duration *= 4) {
    const bool last = config.duration > std::chrono::seconds(20);
    try {
      CellMeasurement cell = run_cell(prepare_cell(config));
      if (last || enough(cell)) return cell;
    } catch (const ExpectedEventMissing&) {
      if (last) throw;
    }
  }
}

}  // namespace shadowwalk::test
