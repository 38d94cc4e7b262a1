#include "harness/simulation/exhaustive_search.hpp"

#include <algorithm>

#include "harness/machine/check.hpp"

namespace shadowwalk::simulation {
namespace {

using Part = Actor::Part;

void join(std::vector<std::uint32_t>& clock, const std::vector<std::uint32_t>& other) {
  if (clock.size() < other.size()) clock.resize(other.size());
  for (std::size_t i = 0; i < other.size(); ++i) clock[i] = std::max(clock[i], other[i]);
}

bool same_steps(std::span<const Transition> a, std::span<const Transition> b) {
  return std::ranges::equal(a, b, {}, &Transition::actor, &Transition::actor);
}

}  // namespace

void ExhaustiveSearch::Node::choose(std::size_t index) {
  chosen = index;
  step = enabled[index];
}

std::optional<std::size_t> ExhaustiveSearch::choose(std::span<const Transition> enabled) {
  if (depth_ == path_.size()) {
    Node node;
    node.enabled.assign(enabled.begin(), enabled.end());
    if (reduction_ == Reduction::none) {
      for (const Transition& step : enabled) node.to_explore.push_back(step.actor);
    } else if (depth_ != 0) {
      const Transition& last = path_.back().step;
      for (const Transition& asleep : path_.back().asleep) {
        if (asleep.actor != last.actor && !conflict(asleep, last)) node.asleep.push_back(asleep);
      }
    }
    const auto first = pick(node);
    if (!first) return std::nullopt;  // all that can happen here was explored elsewhere
    node.choose(*first);
    path_.push_back(std::move(node));
  } else {
    SHADOWWALK_CHECK(same_steps(path_[depth_].enabled, enabled), "a program that is simulated is not deterministic");
  }
  return path_[depth_].chosen;
}

void ExhaustiveSearch::happened(bool pushed) {
  Node& node = path_[depth_];
  node.step.pushed = pushed;
  if (reduction_ == Reduction::partial_order && depth_ + 1 == path_.size()) {
    node.clock = find_races(node.step);
    node.mover = index_of(node.step.actor);
  }
  ++depth_;
}

bool ExhaustiveSearch::next() {
  depth_ = 0;
  while (!path_.empty()) {
    Node& node = path_.back();
    node.asleep.push_back(node.step);
    std::erase(node.to_explore, node.step.actor);
    while (!node.to_explore.empty()) {
      const Actor actor = node.to_explore.back();
      node.to_explore.pop_back();
      if (is_asleep(node, actor)) continue;
      const auto step = std::ranges::find(node.enabled, actor, &Transition::actor);
      node.choose(static_cast<std::size_t>(step - node.enabled.begin()));
      return true;
    }
    path_.pop_back();
  }
  return false;
}

/// Prefers the actor that moved last: fewer switches make a story that is easier to read.
std::optional<std::size_t> ExhaustiveSearch::pick(const Node& node) const {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < node.enabled.size(); ++i) {
    const Actor& actor = node.enabled[i].actor;
    if (is_asleep(node, actor)) continue;
    if (!first || (!path_.empty() && actor == path_.back().step.actor)) first = i;
  }
  return first;
}

bool ExhaustiveSearch::is_asleep(const Node& node, const Actor& actor) const {
  return reduction_ == Reduction::partial_order &&
         std::ranges::find(node.asleep, actor, &Transition::actor) != node.asleep.end();
}

/// Schedules the reverse order for each earlier step that conflicts with the one that has just happened and need not
/// come first. Returns the step's clock.
ExhaustiveSearch::Clock ExhaustiveSearch::find_races(const Transition& step) {
  Clock past = past_of(step);
  for (std::size_t i = depth_; i-- > 0;) {
    const Transition& earlier = path_[i].step;
    if (earlier.actor == step.actor || !conflict(earlier, step) || happened_before(i, past)) continue;
    reverse(i, step);
    join(past, path_[i].clock);
  }
  // Stores that had to become visible first came before it. Yet the steps of the programs that made them race with it:
  // without those steps there would have been nothing to wait for.
  for (std::size_t i = 0; i < depth_; ++i) {
    const Actor& earlier = path_[i].step.actor;
    if (earlier.part == Part::store_buffer && step.needs_empty_buffer_of(earlier.cpu)) join(past, path_[i].clock);
  }
  const std::size_t actor = index_of(step.actor);
  if (past.size() <= actor) past.resize(actor + 1);
  past[actor] = static_cast<std::uint32_t>(depth_ + 1);
  return past;
}

/// At the node before the step at `depth`, adds an actor to explore that can begin what happened since without that
/// step, up to `step`.
void ExhaustiveSearch::reverse(std::size_t depth, const Transition& step) {
  Node& node = path_[depth];
  const std::vector<Actor> beginners = beginners_without(depth, step);
  const auto is_tried = [&](const Actor& actor) {
    return actor == node.step.actor || std::ranges::find(node.to_explore, actor) != node.to_explore.end() ||
           std::ranges::find(node.asleep, actor, &Transition::actor) != node.asleep.end();
  };
  if (std::ranges::any_of(beginners, is_tried)) return;
  const auto can_begin = [&](const Actor& actor) {
    return std::ranges::find(node.enabled, actor, &Transition::actor) != node.enabled.end();
  };
  if (const auto able = std::ranges::find_if(beginners, can_begin); able != beginners.end()) {
    node.to_explore.push_back(*able);
    return;
  }
  // The step was waiting for something then. Any other actor that can move may cause it.
  for (const Transition& other : node.enabled) {
    if (!is_tried(other.actor)) node.to_explore.push_back(other.actor);
  }
}

/// Considers `step` and the steps after `depth` that do not follow from the one at `depth`. Returns the actors of those
/// that follow from none of the others.
std::vector<Actor> ExhaustiveSearch::beginners_without(std::size_t depth, const Transition& step) const {
  std::vector<std::size_t> without;
  std::vector<Actor> seen;
  std::vector<Actor> beginners;
  const auto consider = [&](const Actor& actor, const Clock& past) {
    if (std::ranges::find(seen, actor) != seen.end()) return;
    seen.push_back(actor);
    if (std::ranges::none_of(without, [&](std::size_t i) { return happened_before(i, past); })) {
      beginners.push_back(actor);
    }
  };
  for (std::size_t i = depth + 1; i < depth_; ++i) {
    if (happened_before(depth, path_[i].clock)) continue;
    consider(path_[i].step.actor, path_[i].clock);
    without.push_back(i);
  }
  Clock past = past_of(step);
  for (const std::size_t i : without) {
    if (conflict(path_[i].step, step)) join(past, path_[i].clock);
  }
  consider(step.actor, past);
  return beginners;
}

/// The clock of the actor's last step on the path; empty if it has taken none.
ExhaustiveSearch::Clock ExhaustiveSearch::clock_of(const Actor& actor) const {
  for (std::size_t i = depth_; i-- > 0;) {
    if (path_[i].step.actor == actor) return path_[i].clock;
  }
  return {};
}

/// What must come before a step, whatever the other actors do: its actor's last step; for a store that becomes visible,
/// the program's step after which it was made.
ExhaustiveSearch::Clock ExhaustiveSearch::past_of(const Transition& step) const {
  Clock past = clock_of(step.actor);
  if (step.actor.part == Part::store_buffer) {
    const Actor program{step.actor.cpu, Part::program};
    std::uint32_t left = step.operation.pushed_after;
    for (std::size_t i = 0; left != 0 && i < depth_; ++i) {
      if (path_[i].step.actor == program && --left == 0) join(past, path_[i].clock);
    }
  }
  return past;
}

bool ExhaustiveSearch::happened_before(std::size_t depth, const Clock& past) const {
  const std::size_t mover = path_[depth].mover;
  return mover < past.size() && past[mover] > depth;
}

std::size_t ExhaustiveSearch::index_of(const Actor& actor) {
  const auto found = std::ranges::find(actors_, actor);
  const auto index = static_cast<std::size_t>(found - actors_.begin());
  if (found == actors_.end()) actors_.push_back(actor);
  return index;
}

}  // namespace shadowwalk::simulation
