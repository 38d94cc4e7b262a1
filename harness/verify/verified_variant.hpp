#pragma once

#include <memory>

#include "harness/verify/system.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

template <template <class> class Variant>
struct SystemOf final : AnySystem {
  SystemOf(const VerifyConfig& config, simulation::Execution& execution) : system(config, execution) {}
  std::string what_is_wrong() override { return system.what_is_wrong(); }
  std::string location(const simulation::Location& location) const override { return system.location(location); }
  std::string value(std::uint64_t value) const override { return system.value(value); }
  System<Variant> system;
};

/// What makes a variant one that can be verified: `add_verified(verified_variant<MyScheme>())`.
template <template <class> class Variant>
VerifiedVariant verified_variant() {
  return {.info = Variant<SimulatedMachine>::kInfo,
          .make = [](const VerifyConfig& config, simulation::Execution& execution) -> std::unique_ptr<AnySystem> {
            return std::make_unique<SystemOf<Variant>>(config, execution);
          }};
}

}  // namespace shadowwalk::verify
