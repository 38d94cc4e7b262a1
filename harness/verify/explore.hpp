#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/simulation/bounded_search.hpp"
#include "harness/simulation/execution.hpp"
#include "harness/verify/verify.hpp"
#include "variants/contract.hpp"

namespace shadowwalk::verify {

/// The programs of one execution, whatever their types.
struct AnySystem : simulation::Execution::Namer {
  /// Called after the execution: what went wrong; empty if nothing did.
  virtual std::string what_is_wrong() = 0;
  /// The bound that the variant claims for such a load on the simulated machine; nothing: none.
  virtual std::optional<std::size_t> most_unreclaimed(const ReclamationLoad& load) const = 0;
};

/// The outcome of one execution.
struct Outcome {
  simulation::Execution::End end;
  std::string wrong;  ///< empty: nothing
  std::vector<simulation::Actor> schedule;
  simulation::Preemptions preemptions;
  bool passed_mutant = false;

  Failure failure() const {
    return {.what = wrong,
            .schedule = schedule,
            .preemptions = preemptions.preemptions(),
            .switches = preemptions.switches()};
  }
};

/// Hooks of one execution: `before` gets it before anything is made, `made` once its programs are there, `after` at its
/// end.
struct Watch {
  simulation::SiteCollection* sites = nullptr;
  std::function<void(simulation::Execution&)> before{};
  std::function<void(simulation::Execution&, AnySystem&)> made{};
  std::function<void(simulation::Execution&)> after{};
};
/// Runs the config's system once under a schedule.
Outcome run_once(const VariantEntry& variant, const VerifyConfig& config, simulation::Schedule& schedule,
                 const Watch& watch = {});

}  // namespace shadowwalk::verify
