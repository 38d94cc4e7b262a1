#include "harness/verify/explore.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/simulation/exhaustive_search.hpp"
#include "harness/simulation/random_schedule.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::Execution;
using simulation::Schedule;
using simulation::Transition;
using End = Execution::End;
using Make = std::function<std::unique_ptr<AnySystem>(Execution&)>;

/// Keeps what another schedule chose.
class Recorded final : public Schedule {
 public:
  explicit Recorded(Schedule& schedule) : schedule_(schedule) {}
  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
    const auto choice = schedule_.choose(enabled);
    if (choice) choices.push_back(*choice);
    return choice;
  }
  void happened(bool pushed) override { schedule_.happened(pushed); }

  std::vector<std::size_t> choices;

 private:
  Schedule& schedule_;
};

/// Chooses the same again.
class Replayed final : public Schedule {
 public:
  explicit Replayed(const std::vector<std::size_t>& choices) : choices_(choices) {}
  std::optional<std::size_t> choose(std::span<const Transition>) override {
    if (next_ == choices_.size()) return std::nullopt;
    return choices_[next_++];
  }

 private:
  const std::vector<std::size_t>& choices_;
  std::size_t next_ = 0;
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

std::string what_is_wrong(End end, const Execution& execution, AnySystem& system) {
  if (end == End::deadlock) return deadlock_in_words(execution);
  if (end == End::too_long) return "no end after " + std::to_string(Execution::kMostSteps) + " steps";
  return system.what_is_wrong();
}

/// The same execution once more, in words.
Failure tell(const Setting& setting, const Make& make, const std::vector<std::size_t>& choices, std::string what) {
  Failure failure{.what = std::move(what), .cpus = {}, .story = {}};
  Replayed schedule(choices);
  Execution execution(setting.memory, schedule);
  execution.observe([&](unsigned cpu, const std::string& text) { failure.story.push_back({cpu, text}); });
  if (setting.weakened) execution.weaken(*setting.weakened);
  const std::unique_ptr<AnySystem> system = make(execution);
  execution.use(*system);
  execution.run();
  for (unsigned i = 0; i < execution.cpus(); ++i) failure.cpus.push_back(execution.cpu_name(i));
  return failure;
}

class Exploration {
 public:
  Exploration(const Setting& setting, const Make& make) : setting_(setting), make_(make) {}

  Report run() {
    if (setting_.random != 0) {
      run_random();
    } else {
      run_all();
    }
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return std::move(report_);
  }

 private:
  void run_all() {
    simulation::ExhaustiveSearch search;
    do {
      if (setting_.most_executions != 0 && report_.executions == setting_.most_executions) return;
      if (!run_one(search)) return;
    } while (search.next());
    report_.exhausted = true;
  }

  void run_random() {
    constexpr unsigned kDeepest = 5;
    for (std::uint64_t i = 0; i < setting_.random; ++i) {
      simulation::RandomSchedule schedule(setting_.seed + i, 1 + static_cast<unsigned>(i % kDeepest),
                                          report_.longest == 0 ? 100 : report_.longest);
      if (!run_one(schedule)) return;
    }
  }

  /// False: it went wrong.
  bool run_one(Schedule& schedule) {
    Recorded recorded(schedule);
    Execution execution(setting_.memory, recorded);
    execution.collect_sites(report_.sites);
    if (setting_.weakened) execution.weaken(*setting_.weakened);
    const std::unique_ptr<AnySystem> system = make_(execution);
    const End end = execution.run();
    ++report_.executions;
    report_.longest = std::max<std::uint64_t>(report_.longest, recorded.choices.size());
    if (end == End::stopped) {
      ++report_.redundant;
      return true;
    }
    std::string what = what_is_wrong(end, execution, *system);
    if (what.empty()) return true;
    report_.failure = tell(setting_, make_, recorded.choices, std::move(what));
    return false;
  }

  const Setting& setting_;
  const Make& make_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Report report_;
};

}  // namespace

Report explore(const Setting& setting, const Make& make) { return Exploration(setting, make).run(); }

}  // namespace shadowwalk::verify
