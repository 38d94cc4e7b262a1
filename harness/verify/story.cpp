#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/verify/explore.hpp"

// Where a debugger may stop a replay (docs/verify.md). Each does nothing; it is not inlined, and its parameters live
// until its end. CMakeLists.txt compiles this file with full debug information, so that a breakpoint's condition can
// name them.
extern "C" {
/// Called before the `number`-th step, from 1 on; `what`: the step in words, as in the schedule's file.
[[gnu::noinline]] void shadowwalk_replay_step(std::size_t number, const char* what) {
  asm volatile("" : : "r"(number), "r"(what) : "memory");
}
/// Called when the replay has gone wrong, on the stack of the CPU that found out.
[[gnu::noinline]] void shadowwalk_replay_wrong(const char* what) { asm volatile("" : : "r"(what) : "memory"); }
}

namespace shadowwalk::verify {
namespace {

using simulation::Execution;
using simulation::Operation;
using simulation::Schedule;
using simulation::Transition;

const char* in_words(const Operation& operation) {
  using Kind = Operation::Kind;
  using Row = std::pair<Kind, const char*>;
  constexpr Row kWords[] = {{Kind::load, "load"},
                            {Kind::store, "store"},
                            {Kind::read_modify_write, "read-modify-write"},
                            {Kind::fence, "fence"},
                            {Kind::wait, "wait"},
                            {Kind::drain_store, "store becomes visible"},
                            {Kind::deliver_interrupt, "interrupt"}};
  const auto* const row = std::ranges::find(kWords, operation.kind, &Row::first);
  return row == std::end(kWords) ? operation.what : row->second;
}

/// The CPU that moves, and its operation: enough to notice that another build would do something else.
std::string in_words(const Execution& execution, const Transition& step) {
  std::string text = execution.cpu_name(step.actor.cpu) + ": " + in_words(step.operation);
  if (step.actor.location != 0) text += " (" + std::to_string(step.actor.location) + ")";
  return text;
}

/// Which of the steps that are possible is the `index`-th of a schedule; nothing: it ends here.
using Choose =
    std::function<std::optional<std::size_t>(const Execution&, std::span<const Transition> enabled, std::size_t index)>;

/// Chooses by `choose`, and records the steps in words.
class Recording final : public Schedule {
 public:
  Recording(Story& story, const Choose& choose) : story_(story), choose_(choose) {}
  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
    const auto choice = choose_(*execution, enabled, story_.steps.size());
    if (choice) story_.steps.push_back(in_words(*execution, enabled[*choice]));
    return choice;
  }

  const Execution* execution = nullptr;

 private:
  Story& story_;
  const Choose& choose_;
};

Story record_story(const VariantEntry& variant, const VerifyConfig& config, const Choose& choose) {
  Story story;
  Recording schedule(story, choose);
  const Watch watch{
      .before =
          [&](Execution& execution) {
            schedule.execution = &execution;
            execution.observe([&](unsigned cpu, const std::string& text) {
              Story::Line line{cpu, text, {}};
              for (unsigned i = 0; i < execution.cpus(); ++i) line.buffers.push_back(execution.buffered_in_words(i));
              story.lines.push_back(std::move(line));
            });
          },
      .made =
          [&](Execution& execution, AnySystem& system) {
            execution.use(system);
            execution.on_complaint([](const std::string& what) { shadowwalk_replay_wrong(what.c_str()); });
          },
      .after =
          [&](Execution& execution) {
            for (unsigned i = 0; i < execution.cpus(); ++i) story.cpus.push_back(execution.cpu_name(i));
          }};
  story.what = run_once(variant, config, schedule, watch).wrong;
  return story;
}

}  // namespace

Story tell_story(const VariantEntry& variant, const VerifyConfig& config, const Failure& failure) {
  return record_story(variant, config, [&](const auto&, auto enabled, auto index) -> std::optional<std::size_t> {
    if (index == failure.schedule.size()) return std::nullopt;
    const auto step = std::ranges::find(enabled, failure.schedule[index], &Transition::actor);
    if (step == enabled.end()) return std::nullopt;
    return static_cast<std::size_t>(step - enabled.begin());
  });
}

Story replay(const VariantEntry& variant, const VerifyConfig& config, std::span<const std::string> steps,
             const std::string& file) {
  return record_story(
      variant, config, [&](const auto& execution, auto enabled, auto index) -> std::optional<std::size_t> {
        if (index == steps.size()) return std::nullopt;
        const std::string& wanted = steps[index];
        for (std::size_t i = 0; i < enabled.size(); ++i) {
          if (in_words(execution, enabled[i]) != wanted) continue;
          shadowwalk_replay_step(index + 1, wanted.c_str());
          return i;
        }
        throw InputError(file + ": step " + std::to_string(index + 1) + ", \"" + wanted +
                         "\", cannot happen here: the schedule is another build's; verify again, and save anew");
      });
}

}  // namespace shadowwalk::verify
