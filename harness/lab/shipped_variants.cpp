#include "harness/lab/shipped_variants.hpp"

#include "harness/lab/floor_engine.hpp"
#include "harness/lab/registry.hpp"
#include "variants/shipped.hpp"

namespace shadowwalk {

void add_shipped_variants(Registry& registry) {
  for_each_shipped_variant([&]<template <class> class Variant>() { registry.add(variant_entry<Variant>()); });
  registry.add({.info = kFloorInfo,
                .make_engine = [](NativeMachine&, const CellConfig&, const Window& window,
                                  const PageBudget&) { return make_floor_engine(window); },
                .can_zap = false});
}

}  // namespace shadowwalk
