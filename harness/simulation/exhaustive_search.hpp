#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/simulation/schedule.hpp"

namespace shadowwalk::simulation {

/// Every schedule of a program, one execution after another. With the reduction, one schedule of each class whose
/// members differ only in the order of steps whose order cannot matter: dynamic partial-order reduction with source
/// sets and sleep sets (Abdulla, Aronis, Jonsson and Sagonas, POPL 2014).
///
///   ExhaustiveSearch search;
///   do { Execution execution(model, search); ... execution.run(); ... } while (search.next());
///
/// The program must be deterministic: under the same schedule it takes the same steps.
class ExhaustiveSearch final : public Schedule {
 public:
  enum class Reduction { none, partial_order };
  explicit ExhaustiveSearch(Reduction reduction = Reduction::partial_order) : reduction_(reduction) {}

  std::optional<std::size_t> choose(std::span<const Transition> enabled) override;
  void happened(bool pushed) override;
  /// After an execution: false if there is no other one to run.
  bool next();

 private:
  using Clock = std::vector<std::uint32_t>;  // by actor: the number of the execution's steps up to that actor's last

  struct Node {
    std::vector<Transition> enabled;
    std::vector<Transition> asleep;  // explored from here or from above, with the same outcome
    std::vector<Actor> to_explore;
    std::size_t chosen = 0;
    Transition step{};      // the chosen one
    std::size_t mover = 0;  // its actor's index in actors_, once it has happened
    Clock clock;            // what happened before it

    void choose(std::size_t index);
  };

  std::optional<std::size_t> pick(const Node& node) const;
  bool is_asleep(const Node& node, const Actor& actor) const;
  Clock find_races(const Transition& step);
  void reverse(std::size_t depth, const Transition& step);
  std::vector<Actor> beginners_without(std::size_t depth, const Transition& step) const;
  Clock clock_of(const Actor& actor) const;
  Clock past_of(const Transition& step) const;
  std::size_t index_of(const Actor& actor);
  bool happened_before(std::size_t depth, const Clock& past) const;

  const Reduction reduction_;
  std::vector<Node> path_;
  std::size_t depth_ = 0;
  std::vector<Actor> actors_;
};

}  // namespace shadowwalk::simulation
