#pragma once

#include "harness/projection/simulated_cell.hpp"

namespace shadowwalk::projection {

template <template <class> class Variant>
ProjectedVariant projected_variant() {
  return {.info = Variant<CoherentMachine>::kInfo,
          .project = [](const CellConfig& config, const coherence::Topology& topology) {
            check_projection(config, topology);
            return SimulatedCell<Variant>(config, topology).run();
          }};
}

}  // namespace shadowwalk::projection
