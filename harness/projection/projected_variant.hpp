#pragma once

#include "harness/projection/projection.hpp"
#include "harness/projection/simulated_cell.hpp"

namespace shadowwalk::projection {

/// The registration line of a variant that can be projected: `projected_variants().add(projected_variant<MyScheme>())`.
template <template <class> class Variant>
VariantEntry projected_variant() {
  return {.info = Variant<CoherentMachine>::kInfo,
          .project = [](const CellConfig& config, const coherence::Topology& topology) {
            check_projection(config, topology);
            return SimulatedCell<Variant>(config, topology).run();
          }};
}

}  // namespace shadowwalk::projection
