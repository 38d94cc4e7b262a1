#pragma once

#include <cstdint>

#include "harness/coherence/topology.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/registry.hpp"

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

void add_shipped_variants(Registry& registry);  // generated: cmake/Variants.cmake

/// The registry, in which every variant that ships can be projected (VariantEntry::can_be_projected()). First called
/// before threads start.
inline Registry& projected_variants() {
  static Registry& registry = (add_shipped_variants(Registry::instance()), Registry::instance());
  return registry;
}

/// Throws InputError, one line, if the cell cannot be simulated: the workload shares CPUs, the topology is too small.
void check_projection(const CellConfig& config, const coherence::Topology& topology);

/// The result (docs/result-format.md), marked as simulated.
CellResult make_simulated_result(const CellConfig& config, const coherence::Topology& topology,
                                 const Projected& projected);
/// Adds how far the model is off on this host; null if it was not compared.
void record_comparison(CellResult& result, const struct HostComparison* comparison);

}  // namespace shadowwalk::projection
