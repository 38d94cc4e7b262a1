#pragma once

#include "harness/lab/cell_config.hpp"
#include "harness/lab/cell_result.hpp"

namespace shadowwalk {

/// Prints a result to stdout for a person to read: the figures by topic with their units, then what could not be
/// measured and why.
void print_summary(const CellConfig& config, const CellResult& result);

}  // namespace shadowwalk
