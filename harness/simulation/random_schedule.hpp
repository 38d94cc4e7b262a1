#pragma once

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
/// priorities, the highest goes first, and at `depth` - 1 random steps the one that would go falls behind all others. A
/// bug that needs `depth` orderings among n actors is found with a probability of at least 1 / (n x steps^(depth - 1))
/// an execution.
class RandomSchedule final : public Schedule {
 public:
  /// `steps`: of an execution, about.
  RandomSchedule(std::uint64_t seed, unsigned depth, std::size_t steps);

  std::optional<std::size_t> choose(std::span<const Transition> enabled) override;

 private:
  std::int64_t& priority_of(const Actor& actor);

  std::mt19937_64 random_;
  std::vector<std::size_t> change_at_;
  std::vector<std::pair<Actor, std::int64_t>> priorities_;
  std::int64_t lowest_ = 0;
  std::size_t step_ = 0;
};

}  // namespace shadowwalk::simulation
