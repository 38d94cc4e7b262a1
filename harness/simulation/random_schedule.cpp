#include "harness/simulation/random_schedule.hpp"

#include <algorithm>

namespace shadowwalk::simulation {

RandomSchedule::RandomSchedule(std::uint64_t seed, unsigned depth, std::size_t steps) : random_(seed) {
  for (unsigned i = 1; i < depth; ++i) change_at_.push_back(random_() % std::max<std::size_t>(1, steps));
}

std::int64_t& RandomSchedule::priority_of(const Actor& actor) {
  const auto known = std::ranges::find(priorities_, actor, &std::pair<Actor, std::int64_t>::first);
  if (known != priorities_.end()) return known->second;
  return priorities_.emplace_back(actor, static_cast<std::int64_t>(random_() >> 1)).second;
}

std::optional<std::size_t> RandomSchedule::choose(std::span<const Transition> enabled) {
  const auto highest = [&] {
    std::size_t best = 0;
    for (std::size_t i = 1; i < enabled.size(); ++i) {
      if (priority_of(enabled[i].actor) > priority_of(enabled[best].actor)) best = i;
    }
    return best;
  };
  if (std::ranges::count(change_at_, step_++) != 0) priority_of(enabled[highest()].actor) = --lowest_;
  return highest();
}

}  // namespace shadowwalk::simulation
