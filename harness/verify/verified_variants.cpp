#include <algorithm>

#include "harness/verify/explore.hpp"
#include "harness/verify/system.hpp"
#include "variants/shipped.hpp"

namespace shadowwalk::verify {
namespace {

template <template <class> class Variant>
struct SystemOf final : AnySystem {
  SystemOf(const Setting& setting, simulation::Execution& execution) : system(setting, execution) {}
  std::string what_is_wrong() override { return system.what_is_wrong(); }
  std::string location(const simulation::Location& location) const override { return system.location(location); }
  std::string value(std::uint64_t value) const override { return system.value(value); }
  System<Variant> system;
};

template <template <class> class Variant>
VerifiedVariant verified_variant() {
  return {.info = Variant<SimulatedMachine>::kInfo, .verify = [](const Setting& setting) {
            return explore(setting, [&](simulation::Execution& execution) -> std::unique_ptr<AnySystem> {
              return std::make_unique<SystemOf<Variant>>(setting, execution);
            });
          }};
}

}  // namespace

const std::vector<VerifiedVariant>& verified_variants() {
  static const std::vector<VerifiedVariant> all = [] {
    std::vector<VerifiedVariant> shipped;
    for_each_shipped_variant([&]<template <class> class Variant>() { shipped.push_back(verified_variant<Variant>()); });
    return shipped;
  }();
  return all;
}

const VerifiedVariant* find_verified(std::string_view name) {
  const auto found = std::ranges::find(verified_variants(), name, [](const auto& entry) { return entry.info.name; });
  return found == verified_variants().end() ? nullptr : &*found;
}

}  // namespace shadowwalk::verify
