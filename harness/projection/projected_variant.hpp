#pragma once

#include "harness/projection/projection.hpp"
#include "harness/projection/simulated_cell.hpp"

namespace shadowwalk::projection {

/// What makes a variant one that can be simulated: `add_projected(projected_variant<MyScheme>())`.
template <template <class> class Variant>
ProjectedVariant projected_variant() {
  return {.info = Variant<CoherentMachine>::kInfo,
          .project = [](const CellConfig& config, const coherence::Topology& topology) {
            check_projection(config, topology);
            return SimulatedCell<Variant>(config, topology).run();
          }};
}

}  // namespace shadowwalk::projection
