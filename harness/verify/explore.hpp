#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/simulation/bounded_search.hpp"
#include "harness/simulation/execution.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// One execution's programs, whatever their types.
struct AnySystem : simulation::Execution::Namer {
  /// After the execution: what it did wrong; empty if nothing.
  virtual std::string what_is_wrong() = 0;
};

/// What one execution came to.
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

/// Runs the setting's system once under a schedule. `before`: gets the execution before anything is made, and `made`
/// what it runs.
struct Watch {
  simulation::SiteCollection* sites = nullptr;
  std::function<void(simulation::Execution&)> before{};
  std::function<void(simulation::Execution&, AnySystem&)> made{};
  std::function<void(simulation::Execution&)> after{};
};
Outcome run_once(const VariantEntry& variant, const VerifyConfig& config, simulation::Schedule& schedule,
                 const Watch& watch = {});

}  // namespace shadowwalk::verify
