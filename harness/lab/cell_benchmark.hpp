#pragma once

#include <string>
#include <vector>

#include "harness/lab/cell_config.hpp"

namespace shadowwalk {

/// What came of a cell run as a Google Benchmark benchmark.
struct CellOutcome {
  std::string json;            ///< docs/result-format.md; one entry a repetition
  std::string error;           ///< why a repetition could not finish; empty if all did
  bool caught_unsafe = false;  ///< a variant that claims to be safe used a freed page
};

/// Runs the cell as a benchmark of one iteration with manual time = walk_ns_mean. `benchmark_flags` are Google
/// Benchmark's own (`--benchmark_repetitions=3`, `--benchmark_out=FILE` ...) and hold as they do everywhere. `summary`:
/// prints each repetition to stdout for a person to read. Throws InputError for a flag that Google Benchmark does not
/// know, and as check_cell() does. Once a process.
CellOutcome run_cell_benchmark(const CellConfig& config, const std::vector<std::string>& benchmark_flags, bool summary);

}  // namespace shadowwalk
