#include <algorithm>

#include "harness/projection/simulated_cell.hpp"
#include "variants/shipped.hpp"

namespace shadowwalk::projection {

const std::vector<ProjectedVariant>& projected_variants() {
  static const std::vector<ProjectedVariant> all = [] {
    std::vector<ProjectedVariant> shipped;
    for_each_shipped_variant([&]<template <class> class Variant>() {
      shipped.push_back({.info = Variant<CoherentMachine>::kInfo,
                         .project = [](const CellConfig& config, const coherence::Topology& topology) {
                           check_projection(config, topology);
                           return SimulatedCell<Variant>(config, topology).run();
                         }});
    });
    return shipped;
  }();
  return all;
}

const ProjectedVariant* find_projected(std::string_view name) {
  const auto found = std::ranges::find(projected_variants(), name, [](const auto& entry) { return entry.info.name; });
  return found == projected_variants().end() ? nullptr : &*found;
}

}  // namespace shadowwalk::projection
