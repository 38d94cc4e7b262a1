#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "harness/simulation/atomic.hpp"
#include "harness/simulation/execution.hpp"
#include "harness/simulation/exhaustive_search.hpp"

namespace shadowwalk::simulation::test {

/// What all executions of a program came to.
struct Exploration {
  std::set<std::string> outcomes;  ///< of those that finished; "deadlock" and "too long" are others
  std::uint64_t executions = 0;
  std::uint64_t redundant = 0;  ///< those that were stopped
};

/// A program: its shared variables and registers, made anew for each execution.
class Program {
 public:
  virtual ~Program() = default;
  virtual void start(Execution& execution) = 0;
  virtual std::string outcome() const = 0;
};

/// With a search of either kind.
template <class Search, class Make>
Exploration explore_by(Search& search, MemoryModel model, Make make) {
  Exploration all;
  do {
    Execution execution(model, search);
    const std::unique_ptr<Program> program = make();
    program->start(execution);
    ++all.executions;
    switch (execution.run()) {
      case Execution::End::finished:
        all.outcomes.insert(program->outcome());
        break;
      case Execution::End::stopped:
        ++all.redundant;
        break;
      case Execution::End::deadlock:
        all.outcomes.insert("deadlock");
        return all;
      case Execution::End::wrong:
        all.outcomes.insert(execution.complaint());
        break;
      case Execution::End::too_long:
        all.outcomes.insert("too long");
        return all;
    }
  } while (search.next());
  return all;
}

template <class Make>
Exploration explore(MemoryModel model, Make make,
                    ExhaustiveSearch::Reduction reduction = ExhaustiveSearch::Reduction::partial_order) {
  ExhaustiveSearch search(reduction);
  return explore_by(search, model, make);
}

}  // namespace shadowwalk::simulation::test
