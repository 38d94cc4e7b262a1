#include <algorithm>
#include <tuple>
#include <utility>

#include "harness/simulation/bounded_search.hpp"
#include "harness/verify/explore.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::Actor;
using simulation::Schedule;
using simulation::Transition;
using Steps = std::vector<Actor>;

/// Executions that looking for a schedule with fewer preemptions may take.
constexpr std::uint64_t kMostExecutions = 20'000;

/// Takes the wished steps as long as they are possible, and then lets the CPU that moved last go on.
class Wished final : public Schedule {
 public:
  explicit Wished(const Steps& steps) : steps_(steps) {}
  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
    const auto can_happen = [&](const Actor& actor) {
      return std::ranges::find(enabled, actor, &Transition::actor) - enabled.begin();
    };
    while (next_ < steps_.size()) {
      const Actor& wish = steps_[next_++];
      if (const auto at = can_happen(wish); at != std::ssize(enabled))
        return take(enabled, static_cast<std::size_t>(at));
    }
    const auto same = std::ranges::find(enabled, last_, [](const Transition& step) { return step.actor.cpu; });
    return take(enabled, same == enabled.end() ? 0 : static_cast<std::size_t>(same - enabled.begin()));
  }

 private:
  std::size_t take(std::span<const Transition> enabled, std::size_t choice) {
    last_ = enabled[choice].actor.cpu;
    return choice;
  }

  const Steps& steps_;
  std::size_t next_ = 0;
  std::uint8_t last_ = 0;
};

/// Without what differs from one schedule to the next: who waits, which address.
std::string_view kind_of(std::string_view what) { return what.substr(0, what.find_first_of("(;0123456789")); }

auto length(const Failure& failure) {
  return std::tuple(failure.preemptions, failure.switches, failure.schedule.size());
}

class Minimiser {
 public:
  Minimiser(const VariantEntry& variant, const VerifyConfig& config, Failure failure)
      : variant_(variant), config_(config), best_(std::move(failure)) {}

  Failure run() {
    shorten();
    search_fewer_preemptions();
    return std::move(best_);
  }

 private:
  struct Turn {
    std::size_t begin;
    std::size_t end;
  };

  /// Steps of one CPU on end.
  static std::vector<Turn> turns_of(const Steps& steps) {
    std::vector<Turn> turns;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (i == 0 || steps[i].cpu != steps[i - 1].cpu) turns.push_back({i, i});
      ++turns.back().end;
    }
    return turns;
  }

  /// Leaves turns out, or puts two of one CPU together, as long as that makes it shorter.
  void shorten() {
    for (bool shorter = true; shorter;) {
      shorter = false;
      const Steps steps = best_.schedule;
      const std::vector<Turn> turns = turns_of(steps);
      for (std::size_t i = turns.size(); i-- > 0 && !shorter;) {
        const auto of_same_cpu = [&](const Turn& turn) { return steps[turn.begin].cpu == steps[turns[i].begin].cpu; };
        const auto later = std::find_if(turns.begin() + static_cast<std::ptrdiff_t>(i) + 1, turns.end(), of_same_cpu);
        const auto earlier = std::find_if(turns.rend() - static_cast<std::ptrdiff_t>(i), turns.rend(), of_same_cpu);
        shorter = try_without(steps, turns[i], std::nullopt);
        if (!shorter && later != turns.end()) shorter = try_without(steps, turns[i], later->begin);
        if (!shorter && earlier != turns.rend()) shorter = try_without(steps, turns[i], earlier->end);
      }
    }
  }

  /// Without a turn, or with it at another place.
  bool try_without(const Steps& steps, const Turn& turn, std::optional<std::size_t> place) {
    Steps wish;
    for (std::size_t i = 0; i <= steps.size(); ++i) {
      if (place == i)
        wish.insert(wish.end(), steps.begin() + std::ptrdiff_t(turn.begin), steps.begin() + std::ptrdiff_t(turn.end));
      if (i < steps.size() && (i < turn.begin || i >= turn.end)) wish.push_back(steps[i]);
    }
    Wished schedule(wish);
    return take_if_shorter(run_once(variant_, config_, schedule));
  }

  bool take_if_shorter(const Outcome& outcome) {
    if (kind_of(outcome.wrong) != kind_of(best_.what)) return false;
    Failure failure = outcome.failure();
    if (length(failure) >= length(best_)) return false;
    best_ = std::move(failure);
    return true;
  }

  /// With none, with one ...: the first that goes wrong has the fewest.
  void search_fewer_preemptions() {
    std::uint64_t executions = 0;
    for (unsigned preemptions = 0; preemptions < best_.preemptions; ++preemptions) {
      simulation::BoundedSearch search(preemptions);
      do {
        if (executions++ == kMostExecutions) return;
        if (take_if_shorter(run_once(variant_, config_, search))) {
          shorten();
          best_.fewest_preemptions = true;
          return;
        }
      } while (search.next());
    }
    best_.fewest_preemptions = true;
  }

  const VariantEntry& variant_;
  const VerifyConfig& config_;
  Failure best_;
};

}  // namespace

Failure minimise(const VariantEntry& variant, const VerifyConfig& config, const Failure& failure) {
  return Minimiser(variant, config, failure).run();
}

}  // namespace shadowwalk::verify
