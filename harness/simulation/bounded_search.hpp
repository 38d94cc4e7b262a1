#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "harness/simulation/schedule.hpp"

namespace shadowwalk::simulation {

/// Counts the switches from one CPU to another along a schedule. A preemption is a switch from a CPU whose program
/// could have continued after its last step (Musuvathi and Qadeer, PLDI 2007). A CPU whose program takes no step
/// between two switches only lets a buffered store out, or an interrupt in: continuing from there is not another
/// preemption.
class Preemptions {
 public:
  /// The cost in preemptions of choosing this one next: 0 or 1.
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
  /// Whether its program has taken a step in this turn.
  bool program_ran() const { return program_ran_; }
  bool program_can_go_on(std::span<const Transition> enabled) const {
    return std::ranges::any_of(enabled, [&](const Transition& step) {
      return cpu_ == step.actor.cpu && step.actor.part == Actor::Part::program;
    });
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

/// Every schedule of a program with at most `most_preemptions` preemptions, one execution after another:
/// context-bounded search (Musuvathi and Qadeer, PLDI 2007), for machines with store buffers. Used like
/// ExhaustiveSearch.
///
/// A store that leaves its buffer during its own CPU's turn could equally leave it at the turn's end, since no other
/// CPU reads meanwhile: stores leave then, or when the program waits for them. A store that leaves during another CPU's
/// turn could equally have left before that turn, unless a step of that turn accessed the same variable.
class BoundedSearch final : public Schedule {
 public:
  explicit BoundedSearch(unsigned most_preemptions) : most_preemptions_(most_preemptions) {}

  std::optional<std::size_t> choose(std::span<const Transition> enabled) override;
  /// After an execution: false if there is no other one to run.
  bool next();
  /// Whether the bound left out any schedule. If not, all schedules were explored.
  bool met_bound() const { return met_bound_; }

 private:
  struct Node {
    std::vector<std::size_t> options;
    std::size_t at = 0;
  };

  std::vector<std::size_t> options(std::span<const Transition> enabled);
  bool could_be_earlier(const Transition& step, bool preempts) const;

  const unsigned most_preemptions_;
  bool met_bound_ = false;
  std::vector<Node> path_;
  // Of the execution that runs:
  std::size_t depth_ = 0;
  Preemptions preemptions_;
  bool turn_ends_ = false;              // the CPU has begun to let stores out
  std::vector<Transition> since_turn_;  // steps of the program that ran last, and the stores that left buffers since
  bool program_has_run_ = false;
  std::size_t last_step_ = 0;  // index of that program's last step in since_turn_
};

}  // namespace shadowwalk::simulation
