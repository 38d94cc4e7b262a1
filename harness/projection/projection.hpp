#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/coherence/topology.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "variants/contract.hpp"

/// Cells on the simulated machine with clocks (harness/coherence): what a variant would cost on a machine that is not
/// here. Same variants, tree, walker, zapper, workloads and result fields as measured cells.
namespace shadowwalk::projection {

/// Of the model: it goes up whenever the same input gives other figures.
inline constexpr int kModelVersion = 1;

/// One cell that was simulated.
struct Projected {
  CellMeasurement cell;               ///< what the host's part of it would be is empty
  std::uint64_t line_transfers = 0;   ///< of walks in the window: lines that moved between caches
  std::uint64_t simulated_walks = 0;  ///< in the whole life
  double wall_seconds = 0;            ///< that simulating took
};

/// A variant on the simulated machine.
struct ProjectedVariant {
  VariantInfo info;
  /// Deterministic but for wall_seconds. Throws InputError as check_projection() does, CellError if the cell cannot go
  /// on. One at a time a thread.
  Projected (*project)(const CellConfig& config, const coherence::Topology& topology);
};

/// The shipped ones, in the order in which they are listed, then those that were added.
const std::vector<ProjectedVariant>& projected_variants();
/// Before threads start; its name is nobody's yet.
void add_projected(const ProjectedVariant& variant);
/// Null if there is none of that name.
const ProjectedVariant* find_projected(std::string_view name);

/// Throws InputError, one line, if the cell cannot be simulated: the workload shares CPUs, the topology is too small.
void check_projection(const CellConfig& config, const coherence::Topology& topology);

/// The result (docs/result-format.md), marked as simulated.
CellResult make_simulated_result(const CellConfig& config, const coherence::Topology& topology,
                                 const Projected& projected);
/// Adds how far the model is off on this host; null if it was not compared.
void record_comparison(CellResult& result, const struct HostComparison* comparison);

}  // namespace shadowwalk::projection
