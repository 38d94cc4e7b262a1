#include <algorithm>
#include <cstddef>
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

using simulation::Actor;
using simulation::Execution;
using simulation::Operation;
using simulation::Schedule;
using simulation::Transition;

const char* kind_in_words(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::load:
      return "load";
    case Operation::Kind::store:
      return "store";
    case Operation::Kind::read_modify_write:
      return "read-modify-write";
    case Operation::Kind::fence:
      return "fence";
    case Operation::Kind::wait:
      return "wait";
    case Operation::Kind::drain_store:
      return "store becomes visible";
    case Operation::Kind::deliver_interrupt:
      return "interrupt";
    case Operation::Kind::other:
      break;
  }
  return operation.what;
}

/// The CPU that moves, and its operation: enough to notice that another build would do something else.
std::string in_words(const Execution& execution, const Transition& step) {
  std::string text = execution.cpu_name(step.actor.cpu) + ": " + kind_in_words(step.operation);
  if (step.actor.location != 0) text += " (" + std::to_string(step.actor.location) + ")";
  return text;
}

/// Chooses by `choose_next`, and records the steps in words.
class Recording : public Schedule {
 public:
  explicit Recording(Story& story) : story_(story) {}
  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
    const auto choice = choose_next(enabled);
    if (choice) story_.steps.push_back(in_words(*execution, enabled[*choice]));
    return choice;
  }

  const Execution* execution = nullptr;

 protected:
  virtual std::optional<std::size_t> choose_next(std::span<const Transition> enabled) = 0;
  std::size_t steps() const { return story_.steps.size(); }

 private:
  Story& story_;
};

class ByActors final : public Recording {
 public:
  ByActors(Story& story, std::span<const Actor> actors) : Recording(story), actors_(actors) {}

 private:
  std::optional<std::size_t> choose_next(std::span<const Transition> enabled) override {
    if (steps() == actors_.size()) return std::nullopt;
    const auto step = std::ranges::find(enabled, actors_[steps()], &Transition::actor);
    if (step == enabled.end()) return std::nullopt;
    return static_cast<std::size_t>(step - enabled.begin());
  }

  const std::span<const Actor> actors_;
};

class ByWords final : public Recording {
 public:
  ByWords(Story& story, std::span<const std::string> words, const std::string& file)
      : Recording(story), words_(words), file_(file) {}

 private:
  std::optional<std::size_t> choose_next(std::span<const Transition> enabled) override {
    if (steps() == words_.size()) return std::nullopt;
    const std::string& wanted = words_[steps()];
    for (std::size_t i = 0; i < enabled.size(); ++i) {
      if (in_words(*execution, enabled[i]) != wanted) continue;
      shadowwalk_replay_step(steps() + 1, wanted.c_str());
      return i;
    }
    throw InputError(file_ + ": step " + std::to_string(steps() + 1) + ", \"" + wanted +
                     "\", cannot happen here: the schedule is another build's; verify again, and save anew");
  }

  const std::span<const std::string> words_;
  const std::string& file_;
};

Story record_story(const VariantEntry& variant, const VerifyConfig& config, Recording& schedule, Story& story) {
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
  return std::move(story);
}

}  // namespace

Story tell_story(const VariantEntry& variant, const VerifyConfig& config, const Failure& failure) {
  Story story;
  ByActors schedule(story, failure.schedule);
  return record_story(variant, config, schedule, story);
}

Story replay(const VariantEntry& variant, const VerifyConfig& config, std::span<const std::string> steps,
             const std::string& file) {
  Story story;
  ByWords schedule(story, steps, file);
  return record_story(variant, config, schedule, story);
}

}  // namespace shadowwalk::verify
