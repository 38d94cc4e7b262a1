#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/lab/cell.hpp"
#include "harness/lab/figures.hpp"

namespace shadowwalk {

/// A cell's result as docs/result-format.md defines it: flat counters, and the object that stands beside them.
struct CellResult {
  std::map<std::string, double> counters;  ///< only what could be measured
  nlohmann::json details;                  ///< the entry's `shadowwalk`
  double manual_time_ns = 0;               ///< walk_ns_mean, or its stand-in
};

CellResult make_result(const Measured& of);
inline CellResult make_result(const CellConfig& config, const CellMeasurement& cell) {
  return make_result(Measured{.config = config, .cell = cell});
}

/// Prints a result to stdout for a person to read: the figures by topic with their units, then what could not be
/// measured and why. Percentiles that are the clock's own are absent here, and stay in the result.
void print_summary(const CellConfig& config, const CellResult& measured);

}  // namespace shadowwalk
