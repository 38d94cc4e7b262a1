#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "harness/simulation/preemptions.hpp"
#include "harness/simulation/schedule.hpp"

namespace shadowwalk::simulation {

/// Every schedule of a program with at most so many preemptions, one execution after another: context-bounded search
/// (Musuvathi and Qadeer, PLDI 2007), for machines with store buffers. Used as ExhaustiveSearch is.
///
/// A store that leaves its buffer while its CPU has the turn could as well leave it at the turn's end, since nobody
/// else looks meanwhile: stores leave then, or when the program waits for it. One that leaves it in another's turn
/// could as well have done so before that, unless something that has just happened looked at the same variable.
class BoundedSearch final : public Schedule {
 public:
  explicit BoundedSearch(unsigned most_preemptions) : most_preemptions_(most_preemptions) {}

  std::optional<std::size_t> choose(std::span<const Transition> enabled) override;
  /// After an execution: false if there is no other one to run.
  bool next();
  /// Whether some schedule was left out for the bound: if not, there are no others.
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
  bool turn_ends_ = false;              // its CPU has begun to let stores out
  std::vector<Transition> since_turn_;  // of the program that ran last, with what left buffers since
  bool program_has_run_ = false;
  std::size_t last_step_ = 0;  // of that program, in there
};

}  // namespace shadowwalk::simulation
