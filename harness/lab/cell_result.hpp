#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/lab/cell.hpp"

namespace shadowwalk {

/// A cell's result as docs/result-format.md defines it: flat counters, and the object that stands beside them.
struct CellResult {
  std::map<std::string, double> counters;  ///< only what could be measured
  nlohmann::json details;                  ///< the entry's `shadowwalk`
  double manual_time_ns = 0;               ///< walk_ns_mean, or its stand-in
};

CellResult make_result(const CellConfig& config, const CellMeasurement& cell);

/// What the result's context says of this machine and build, as strings.
std::map<std::string, std::string> result_context();

}  // namespace shadowwalk
