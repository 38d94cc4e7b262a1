#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "harness/simulation/transition.hpp"

namespace shadowwalk::simulation {

/// Counts the switches from one CPU to another along a schedule. A preemption is one from a CPU whose program could
/// have gone on after its last step (Musuvathi and Qadeer, PLDI 2007). A CPU whose program takes no step between two
/// switches only lets a buffered store out, or an interrupt in: going on from there is no preemption more.
class Preemptions {
 public:
  /// What choosing this one next costs: 0 or 1.
  unsigned cost_of(std::span<const Transition> enabled, std::size_t choice) const {
    return cpu_ && *cpu_ != enabled[choice].actor.cpu && program_ran_ && could_go_on(enabled) ? 1 : 0;
  }
  void take(std::span<const Transition> enabled, std::size_t choice) {
    const Actor& actor = enabled[choice].actor;
    preemptions_ += cost_of(enabled, choice);
    const bool could_go_on_since = could_go_on(enabled);
    if (cpu_ != actor.cpu) {
      if (cpu_) ++switches_;
      cpu_ = actor.cpu;
      program_ran_ = false;
    }
    const bool of_program = actor.part == Actor::Part::program;
    if (!of_program) could_go_on_ = could_go_on_since;
    just_ran_ = of_program;
    program_ran_ |= of_program;
  }

  /// The CPU that moved last.
  std::optional<unsigned> cpu() const { return cpu_; }
  /// Whether its program has taken a step since it is its turn.
  bool program_ran() const { return program_ran_; }
  bool program_can_go_on(std::span<const Transition> enabled) const {
    for (const Transition& step : enabled) {
      if (cpu_ == step.actor.cpu && step.actor.part == Actor::Part::program) return true;
    }
    return false;
  }
  unsigned preemptions() const { return preemptions_; }
  unsigned switches() const { return switches_; }

 private:
  /// After its last step.
  bool could_go_on(std::span<const Transition> enabled) const {
    return just_ran_ ? program_can_go_on(enabled) : could_go_on_;
  }

  std::optional<unsigned> cpu_;
  bool just_ran_ = false;
  bool could_go_on_ = false;
  bool program_ran_ = false;
  unsigned preemptions_ = 0;
  unsigned switches_ = 0;
};

}  // namespace shadowwalk::simulation
