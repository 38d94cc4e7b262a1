#include "harness/verify/run_once.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::Execution;
using simulation::Schedule;
using simulation::Transition;
using End = Execution::End;

/// Keeps what another schedule chooses.
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
  std::string text = "deadlock: nobody can go on";
  for (const Transition& waiting : execution.stuck()) {
    const bool in_a_loop = waiting.operation.kind == simulation::Operation::Kind::wait;
    text += "; " + execution.cpu_name(waiting.actor.cpu) + " " +
            (in_a_loop ? "waits for what it has read to change" : waiting.operation.what);
  }
  return text;
}

/// What CPUs that wait for ever have locked cannot be taken down; a few of these end an exploration.
void keep_for_ever(std::unique_ptr<AnySystem> system) {
  static auto& kept = *new std::vector<std::unique_ptr<AnySystem>>;
  kept.push_back(std::move(system));
}

}  // namespace

Outcome run_once(const VerifiedVariant& variant, const VerifyConfig& config, Schedule& schedule, const Watch& watch) {
  Outcome outcome{.end = End::finished, .wrong = {}, .schedule = {}, .preemptions = {}};
  Recorded recorded(schedule, outcome);
  Execution execution(config.memory, recorded);
  if (watch.sites != nullptr) execution.collect_sites(*watch.sites);
  if (watch.before) watch.before(execution);
  if (config.weakened) execution.weaken(*config.weakened);
  if (config.mutant) execution.plant(*config.mutant);
  std::unique_ptr<AnySystem> system = variant.make(config, execution);
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

}  // namespace shadowwalk::verify
