#include "harness/verify/explore.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/lab/registry.hpp"
#include "harness/simulation/exhaustive_search.hpp"
#include "harness/simulation/random_schedule.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::Execution;
using simulation::Schedule;
using simulation::Transition;
using End = Execution::End;

/// Records what another schedule chooses.
class Recorded final : public Schedule {
 public:
  Recorded(Schedule& schedule, Outcome& outcome) : schedule_(schedule), outcome_(outcome) {}
  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
    const auto choice = schedule_.choose(enabled);
    if (choice) {
      outcome_.schedule.push_back(enabled[*choice].actor);
      outcome_.preemptions.take(enabled, *choice);
    }
    return choice;
  }
  void happened(bool pushed) override { schedule_.happened(pushed); }

 private:
  Schedule& schedule_;
  Outcome& outcome_;
};

std::string deadlock_in_words(const Execution& execution) {
  std::string text = "deadlock: no CPU can go on";
  for (const Transition& waiting : execution.stuck()) {
    const bool in_a_loop = waiting.operation.kind == simulation::Operation::Kind::wait;
    text += "; " + execution.cpu_name(waiting.actor.cpu) + " " +
            (in_a_loop ? "waits for what it has read to change" : waiting.operation.what);
  }
  return text;
}

/// CPUs that wait for ever hold locks that cannot be destroyed, so their system is kept. A few of these end an
/// exploration.
void keep_for_ever(std::unique_ptr<AnySystem> system) {
  static auto& kept = *new std::vector<std::unique_ptr<AnySystem>>;
  kept.push_back(std::move(system));
}

class Exploration {
 public:
  Exploration(const VariantEntry& variant, const VerifyConfig& config) : variant_(variant), config_(config) {}

  Report run() {
    if (config_.random != 0) {
      run_random();
    } else if (config_.preemptions) {
      run_bounded(*config_.preemptions);
    } else {
      simulation::ExhaustiveSearch search;
      report_.exhausted = run_all(search);
    }
    report_.sites = sites_.sites();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return std::move(report_);
  }

 private:
  /// Returns whether the search ran to its end.
  template <class Search>
  bool run_all(Search& search) {
    do {
      if (config_.most_executions != 0 && report_.executions == config_.most_executions) return false;
      if (!run_one(search)) return false;
    } while (search.next());
    return true;
  }

  /// Bounds are tried from 0 upwards, so that the first schedule that goes wrong has the fewest preemptions.
  void run_bounded(unsigned most) {
    for (unsigned preemptions = 0; preemptions <= most; ++preemptions) {
      simulation::BoundedSearch search(preemptions);
      if (!run_all(search)) {
        if (report_.failure) report_.failure->fewest_preemptions = true;
        return;
      }
      report_.covered_preemptions = preemptions;
      if (!search.met_bound()) {
        report_.exhausted = true;
        return;
      }
    }
  }

  void run_random() {
    constexpr unsigned kDeepest = 5;
    for (std::uint64_t i = 0; i < config_.random; ++i) {
      simulation::RandomSchedule schedule(config_.seed + i, 1 + static_cast<unsigned>(i % kDeepest),
                                          report_.longest == 0 ? 100 : report_.longest);
      if (!run_one(schedule)) return;
    }
  }

  /// Returns false if the execution went wrong.
  bool run_one(simulation::Schedule& schedule) {
    const Outcome outcome = run_once(variant_, config_, schedule, {.sites = &sites_});
    ++report_.executions;
    report_.longest = std::max<std::uint64_t>(report_.longest, outcome.schedule.size());
    report_.passed_mutant |= outcome.passed_mutant;
    if (outcome.end == simulation::Execution::End::stopped) ++report_.redundant;
    if (outcome.wrong.empty()) return true;
    report_.failure = outcome.failure();
    return false;
  }

  const VariantEntry& variant_;
  const VerifyConfig& config_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  simulation::SiteCollection sites_;
  Report report_;
};

}  // namespace

Outcome run_once(const VariantEntry& variant, const VerifyConfig& config, Schedule& schedule, const Watch& watch) {
  Outcome outcome{.end = End::finished, .wrong = {}, .schedule = {}, .preemptions = {}};
  Recorded recorded(schedule, outcome);
  Execution execution(config.memory, recorded);
  if (watch.sites != nullptr) execution.collect_sites(*watch.sites);
  if (watch.before) watch.before(execution);
  if (config.weakened) execution.weaken(*config.weakened);
  if (config.mutant) execution.plant(*config.mutant);
  std::unique_ptr<AnySystem> system = variant.make_system(config, execution);
  if (watch.made) watch.made(execution, *system);
  outcome.end = execution.run();
  switch (outcome.end) {
    case End::finished:
      outcome.wrong = system->what_is_wrong();
      break;
    case End::stopped:
      break;
    case End::wrong:
      outcome.wrong = execution.complaint();
      break;
    case End::deadlock:
      outcome.wrong = deadlock_in_words(execution);
      break;
    case End::too_long:
      outcome.wrong = "no end after " + std::to_string(Execution::kMostSteps) + " steps";
      break;
  }
  outcome.passed_mutant = execution.passed_planted();
  if (watch.after) watch.after(execution);
  if (!execution.all_ended()) keep_for_ever(std::move(system));
  return outcome;
}

Report explore(const VariantEntry& variant, const VerifyConfig& config) { return Exploration(variant, config).run(); }

void add_shipped_variants(Registry& registry);  // generated: cmake/Variants.cmake

Registry& verified_variants() {
  static Registry& registry = (add_shipped_variants(Registry::instance()), Registry::instance());
  return registry;
}

}  // namespace shadowwalk::verify
