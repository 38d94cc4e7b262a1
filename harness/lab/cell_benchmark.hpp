#pragma once

#include <map>
#include <span>
#include <string>

#include "harness/lab/prepared_cell.hpp"

namespace shadowwalk {

/// Those of Google Benchmark's flags that mean something for a cell.
struct BenchmarkFlags {
  unsigned repetitions = 1;                      ///< --benchmark_repetitions=N
  bool aggregates_only = false;                  ///< --benchmark_report_aggregates_only
  std::string out{};                             ///< --benchmark_out=FILE: where the result belongs; empty: not given
  std::map<std::string, std::string> context{};  ///< --benchmark_context=KEY=VALUE,...
};

/// Reads flags. Google Benchmark's environment variables (BENCHMARK_REPETITIONS ...) are left alone: a cell is what its
/// command line says.
/// Throws InputError, in one line, for everything else that is among `arguments`.
BenchmarkFlags parse_benchmark_flags(std::span<const std::string> arguments);

/// What came of a cell, run as a Google Benchmark benchmark of one iteration is.
struct CellOutcome {
  std::string json;            ///< docs/result-format.md
  std::string error;           ///< why a repetition could not finish; empty if all did
  bool caught_unsafe = false;  ///< a variant that claims to be safe used a freed page
};

/// Runs the repetitions of a cell. `summary`: prints each of them to stdout for a person to read. Throws InputError as
/// prepare_cell() does.
CellOutcome run_cell_benchmark(const PreparedCell& cell, const BenchmarkFlags& flags, bool summary);

}  // namespace shadowwalk
