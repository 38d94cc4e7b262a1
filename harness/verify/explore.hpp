#pragma once

#include <functional>
#include <memory>
#include <string>

#include "harness/simulation/execution.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// One execution's programs, whatever their types.
struct AnySystem : simulation::Execution::Words {
  virtual std::string what_is_wrong() = 0;
};

/// Runs executions of what `make` makes until one goes wrong, or all were seen, or the setting's bound is met.
Report explore(const Setting& setting, const std::function<std::unique_ptr<AnySystem>(simulation::Execution&)>& make);

}  // namespace shadowwalk::verify
