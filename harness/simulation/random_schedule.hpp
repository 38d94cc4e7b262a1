#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "harness/simulation/schedule.hpp"

namespace shadowwalk::simulation {

/// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010): actors have random
/// priorities, the highest moves first, and at `depth` - 1 random steps the actor that would move falls behind all
/// others. Each execution finds a bug that needs `depth` orderings among n actors with a probability of at least
/// 1 / (n x steps^(depth - 1)).
class RandomSchedule final : public Schedule {
 public:
  /// `steps`: the approximate length of an execution.
  RandomSchedule(std::uint64_t seed, unsigned depth, std::size_t steps) : random_(seed) {
    for (unsigned i = 1; i < depth; ++i) change_at_.push_back(random_() % std::max<std::size_t>(1, steps));
  }

  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
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

 private:
  std::int64_t& priority_of(const Actor& actor) {
    const auto known = std::ranges::find(priorities_, actor, &std::pair<Actor, std::int64_t>::first);
    if (known != priorities_.end()) return known->second;
    return priorities_.emplace_back(actor, static_cast<std::int64_t>(random_() >> 1)).second;
  }

  std::mt19937_64 random_;
  std::vector<std::size_t> change_at_;
  std::vector<std::pair<Actor, std::int64_t>> priorities_;
  std::int64_t lowest_ = 0;
  std::size_t step_ = 0;
};

}  // namespace shadowwalk::simulation
