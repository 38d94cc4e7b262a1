#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "harness/simulation/transition.hpp"

namespace shadowwalk::simulation {

/// Who decides what happens next in an Execution.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// The execution has come to a state in which `enabled` (never empty) can happen, in a fixed order. Returns which
  /// does; nothing ends the execution here.
  virtual std::optional<std::size_t> choose(std::span<const Transition> enabled) = 0;
  /// It has happened. `pushed`: the program has left stores in its buffer since.
  virtual void happened(bool /*pushed*/) {}
};

}  // namespace shadowwalk::simulation
