#pragma once

#include <functional>
#include <memory>
#include <string>

#include "harness/simulation/execution.hpp"

namespace shadowwalk::verify {

/// One execution's programs, whatever their types.
struct AnySystem : simulation::Execution::Namer {
  /// After the execution: what it did wrong; empty if nothing.
  virtual std::string what_is_wrong() = 0;
};

}  // namespace shadowwalk::verify
