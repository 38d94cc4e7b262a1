#include "harness/simulation/bounded_search.hpp"

#include "harness/machine/check.hpp"

namespace shadowwalk::simulation {

std::optional<std::size_t> BoundedSearch::choose(std::span<const Transition> enabled) {
  if (depth_ == path_.size()) path_.push_back({.options = options(enabled)});
  const Node& node = path_[depth_++];
  const std::size_t choice = node.options[node.at];
  SHADOWWALK_CHECK(choice < enabled.size(), "a program that is simulated is not deterministic");

  const Actor& actor = enabled[choice].actor;
  const bool goes_on = preemptions_.cpu() == actor.cpu;
  const bool lets_store_out = actor.part == Actor::Part::store_buffer;
  turn_ends_ = goes_on && lets_store_out &&
               (turn_ends_ || (preemptions_.program_ran() && preemptions_.program_can_go_on(enabled)));
  if (!lets_store_out && (!goes_on || !preemptions_.program_ran())) since_turn_.clear();
  if (!lets_store_out) last_step_ = since_turn_.size();
  since_turn_.push_back(enabled[choice]);
  program_has_run_ |= actor.part == Actor::Part::program;
  preemptions_.take(enabled, choice);
  return choice;
}

/// For a store that leaves its buffer outside of its CPU's turn: whether nothing that must precede it has happened
/// since the last place where it could have left at no higher cost.
bool BoundedSearch::could_be_earlier(const Transition& step, bool preempts) const {
  if (!program_has_run_) return false;  // what programs stored before their first steps can leave only now
  for (std::size_t i = preempts ? last_step_ : 0; i < since_turn_.size(); ++i) {
    if (since_turn_[i].actor.cpu == step.actor.cpu || conflict(since_turn_[i], step)) return false;
  }
  return true;
}

/// Continuing comes first, preempting last: the first story found is then the easiest to read.
std::vector<std::size_t> BoundedSearch::options(std::span<const Transition> enabled) {
  std::vector<std::size_t> going_on;
  std::vector<std::size_t> others;
  std::vector<std::size_t> late;
  std::optional<std::size_t> program;
  for (std::size_t i = 0; i < enabled.size(); ++i) {
    const Actor& actor = enabled[i].actor;
    if (actor.cpu != preemptions_.cpu()) {
      const bool preempts = preemptions_.cost_of(enabled, i) != 0;
      if (actor.part == Actor::Part::store_buffer && could_be_earlier(enabled[i], preempts)) {
        late.push_back(i);
      } else if (preemptions_.preemptions() + preemptions_.cost_of(enabled, i) <= most_preemptions_) {
        others.push_back(i);
      } else {
        met_bound_ = true;
      }
    } else if (actor.part == Actor::Part::program) {
      program = i;
    } else {
      going_on.push_back(i);
    }
  }
  std::vector<std::size_t> all;
  // Once the CPU lets stores out, its turn is over, unless no other CPU may have the next.
  if (program && (!turn_ends_ || (others.empty() && going_on.empty()))) all.push_back(*program);
  // Letting stores out while the program could continue ends the turn, which takes another CPU that can move.
  const bool may_end = !program || !preemptions_.program_ran() || !others.empty();
  for (const std::size_t i : going_on) {
    const bool lets_store_out = enabled[i].actor.part == Actor::Part::store_buffer;
    if (may_end || !lets_store_out || enabled[i].operation.before_interrupt) all.push_back(i);
  }
  all.insert(all.end(), others.begin(), others.end());
  if (all.empty() && program) all.push_back(*program);
  if (all.empty()) all.push_back(late.front());  // nothing else can happen
  return all;
}

bool BoundedSearch::next() {
  depth_ = 0;
  preemptions_ = {};
  turn_ends_ = false;
  since_turn_.clear();
  last_step_ = 0;
  program_has_run_ = false;
  while (!path_.empty() && ++path_.back().at == path_.back().options.size()) path_.pop_back();
  return !path_.empty();
}

}  // namespace shadowwalk::simulation
