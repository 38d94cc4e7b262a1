// Searches, held against every single interleaving.
#include "harness/simulation/exhaustive_search.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "harness/simulation/bounded_search.hpp"
#include "tests/rounds.hpp"
#include "tests/simulation/exploration.hpp"

namespace shadowwalk::simulation {
namespace {

using test::Exploration;
using test::explore;
using test::Program;
using Reduction = ExhaustiveSearch::Reduction;

struct Command {
  enum class Kind { load, store, release, exchange, add, fence, gate, interrupt };
  Kind kind;
  unsigned variable;  // or the CPU to interrupt
  unsigned value;
};
using Commands = std::vector<std::vector<Command>>;  // by CPU

/// Runs lists of commands; its outcome is all that was read, and what is left in memory.
class Machine final : public Program {
 public:
  explicit Machine(const Commands& commands) : commands_(commands), read_(commands.size()) {}

  void start(Execution& execution) override {
    for (unsigned cpu = 0; cpu < commands_.size(); ++cpu) {
      execution.add_cpu("cpu", [this, cpu] {
        for (const Command& command : commands_[cpu]) run(cpu, command);
      });
      execution.on_interrupt(cpu, [this, cpu] { acknowledged_[cpu] = requested_[cpu]; });
    }
  }
  std::string outcome() const override {
    std::string text;
    for (const std::string& of_cpu : read_) text += of_cpu + "|";
    for (const Atomic<unsigned>& variable : variables_) text += std::to_string(variable.load());
    return text;
  }

 private:
  void run(unsigned cpu, const Command& command) {
    Execution& execution = Execution::current();
    Atomic<unsigned>& variable = variables_[command.variable % variables_.size()];
    switch (command.kind) {
      case Command::Kind::load:
        read_[cpu] += std::to_string(variable.load());
        break;
      case Command::Kind::store:
        variable.store(command.value, std::memory_order_relaxed);
        break;
      case Command::Kind::release:
        variable.store(command.value, std::memory_order_release);
        break;
      case Command::Kind::exchange:
        read_[cpu] += std::to_string(variable.exchange(command.value));
        break;
      case Command::Kind::add:
        read_[cpu] += std::to_string(variable.fetch_add(1));
        break;
      case Command::Kind::fence:
        execution.fence();
        break;
      case Command::Kind::gate:
        execution.set_gate(command.value % 2 != 0);
        break;
      case Command::Kind::interrupt: {
        const unsigned target = command.variable % static_cast<unsigned>(commands_.size());
        if (target == cpu) break;
        unsigned number = 0;
        execution.raise_interrupt(target, {}, [&] { number = ++requested_[target]; });
        execution.wait_for_mailbox(target, [&] { return acknowledged_[target] >= number; });
        break;
      }
    }
  }

  const Commands commands_;
  std::array<Atomic<unsigned>, 2> variables_{};
  std::vector<std::string> read_;
  std::array<unsigned, 4> requested_{};
  std::array<unsigned, 4> acknowledged_{};
};

Exploration explore(MemoryModel model, const Commands& commands, Reduction reduction) {
  return explore(
      model, [&] { return std::make_unique<Machine>(commands); }, reduction);
}

constexpr auto kLoad = Command::Kind::load;
constexpr auto kStore = Command::Kind::store;
constexpr auto kAdd = Command::Kind::add;

TEST(ExhaustiveSearch, WithoutReductionRunsEveryInterleaving) {
  // (2 + 2)! / (2! 2!) orders of two steps each.
  const Commands two_by_two = {{{kLoad, 0, 0}, {kLoad, 0, 0}}, {{kLoad, 1, 0}, {kLoad, 1, 0}}};
  EXPECT_EQ(explore(MemoryModel::sc, two_by_two, Reduction::none).executions, 6u);
  const Commands three = {{{kLoad, 0, 0}, {kLoad, 0, 0}}, {{kLoad, 1, 0}, {kLoad, 1, 0}}, {{kLoad, 0, 0}}};
  EXPECT_EQ(explore(MemoryModel::sc, three, Reduction::none).executions, 30u) << "5! / (2! 2! 1!)";
  // A store is two steps, of the program (which nobody sees, and is none) and of the buffer.
  const Commands buffered = {{{kStore, 0, 1}, {kLoad, 1, 0}}, {{kLoad, 0, 0}}};
  EXPECT_EQ(explore(MemoryModel::tso, buffered, Reduction::none).executions, 6u) << "3! orders of three movers";
}

TEST(ExhaustiveSearch, WithReductionRunsOneOfEachClass) {
  const Commands apart = {{{kLoad, 0, 0}, {kStore, 0, 1}}, {{kLoad, 1, 0}, {kStore, 1, 1}}};
  EXPECT_EQ(explore(MemoryModel::sc, apart, Reduction::partial_order).executions, 1u) << "they share nothing";
  const Commands readers = {{{kLoad, 0, 0}, {kLoad, 1, 0}}, {{kLoad, 0, 0}, {kLoad, 1, 0}}};
  EXPECT_EQ(explore(MemoryModel::tso, readers, Reduction::partial_order).executions, 1u) << "nobody writes";
  const Commands one_writer = {{{kStore, 0, 1}}, {{kLoad, 0, 0}}};
  EXPECT_EQ(explore(MemoryModel::sc, one_writer, Reduction::partial_order).executions, 2u);
  const Commands adders = {{{kAdd, 0, 0}}, {{kAdd, 0, 0}}, {{kAdd, 0, 0}}};
  const Exploration all = explore(MemoryModel::sc, adders, Reduction::partial_order);
  EXPECT_EQ(all.executions - all.redundant, 6u) << "each order matters";
}

Commands random_commands(std::mt19937& random) {
  const unsigned cpus = 2 + random() % 2;
  Commands commands(cpus);
  for (auto& of_cpu : commands) {
    const unsigned count = cpus == 2 ? 3 : 2;
    for (unsigned i = 0; i < count; ++i) {
      of_cpu.push_back({static_cast<Command::Kind>(random() % 8), static_cast<unsigned>(random() % 4),
                        static_cast<unsigned>(1 + random() % 3)});
    }
  }
  return commands;
}

std::string in_words(const Commands& commands) {
  std::string text;
  for (const auto& of_cpu : commands) {
    for (const Command& command : of_cpu) {
      text += std::to_string(static_cast<int>(command.kind)) + ":" + std::to_string(command.variable) + ":" +
              std::to_string(command.value) + " ";
    }
    text += "| ";
  }
  return text;
}

TEST(ExhaustiveSearch, ReductionLosesNoOutcomeOfRandomPrograms) {
  std::mt19937 random(1);
  std::uint64_t with = 0;
  std::uint64_t without = 0;
  for (unsigned i = 0; i < shadowwalk::test::rounds(1000); ++i) {
    const Commands commands = random_commands(random);
    for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
      const Exploration reduced = explore(model, commands, Reduction::partial_order);
      const Exploration all = explore(model, commands, Reduction::none);
      if (all.outcomes.contains("deadlock")) {
        EXPECT_TRUE(reduced.outcomes.contains("deadlock")) << in_words(commands);
      } else {
        EXPECT_EQ(reduced.outcomes, all.outcomes) << in_words(commands);
      }
      with += reduced.executions;
      without += all.executions;
    }
  }
  EXPECT_LT(with, without / 2);
  RecordProperty("with_reduction", static_cast<int>(with));
  RecordProperty("without", static_cast<int>(without));
}

Exploration explore_bounded(MemoryModel model, const Commands& commands, unsigned preemptions) {
  BoundedSearch search(preemptions);
  return test::explore_by(search, model, [&] { return std::make_unique<Machine>(commands); });
}

TEST(BoundedSearch, CountsPreemptions) {
  const Commands two_by_two = {{{kLoad, 0, 0}, {kLoad, 0, 0}}, {{kLoad, 1, 0}, {kLoad, 1, 0}}};
  EXPECT_EQ(explore_bounded(MemoryModel::sc, two_by_two, 0).executions, 2u) << "aabb bbaa";
  EXPECT_EQ(explore_bounded(MemoryModel::sc, two_by_two, 1).executions, 4u) << "abba baab";
  EXPECT_EQ(explore_bounded(MemoryModel::sc, two_by_two, 2).executions, 6u) << "abab baba: all there are";
}

TEST(BoundedSearch, StoresThatAreSeenLateTakeNoPreemption) {
  const Commands store_buffering = {{{kStore, 0, 1}, {kLoad, 1, 0}}, {{kStore, 1, 1}, {kLoad, 0, 0}}};
  const auto with_none = [&](MemoryModel model) { return explore_bounded(model, store_buffering, 0).outcomes; };
  EXPECT_TRUE(with_none(MemoryModel::tso).contains("0|0|11"));
  EXPECT_FALSE(with_none(MemoryModel::sc).contains("0|0|11"));
}

/// Every single interleaving, and what it takes.
class Counting final : public Schedule {
 public:
  explicit Counting(ExhaustiveSearch& search) : search_(search) {}
  std::optional<std::size_t> choose(std::span<const Transition> enabled) override {
    const auto choice = search_.choose(enabled);
    preemptions.take(enabled, *choice);
    return choice;
  }
  void happened(bool pushed) override { search_.happened(pushed); }

  Preemptions preemptions;

 private:
  ExhaustiveSearch& search_;
};

TEST(BoundedSearch, FindsEveryOutcomeThatItsPreemptionsAllow) {
  std::mt19937 random(3);
  for (unsigned i = 0; i < shadowwalk::test::rounds(200); ++i) {
    const Commands commands = random_commands(random);
    for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
      std::array<std::set<std::string>, 3> possible;  // by preemptions
      bool deadlock = false;
      ExhaustiveSearch search(Reduction::none);
      do {
        Counting counting(search);
        Execution execution(model, counting);
        Machine machine(commands);
        machine.start(execution);
        deadlock = execution.run() == Execution::End::deadlock;
        for (unsigned most = counting.preemptions.preemptions(); most < possible.size(); ++most) {
          possible[most].insert(machine.outcome());
        }
      } while (!deadlock && search.next());
      for (unsigned most = 0; most < possible.size() && !deadlock; ++most) {
        EXPECT_EQ(explore_bounded(model, commands, most).outcomes, possible[most])
            << most << " preemptions: " << in_words(commands);
      }
    }
  }
}

TEST(BoundedSearch, WithEnoughPreemptionsLosesNoOutcomeOfRandomPrograms) {
  constexpr unsigned kEnough = 12;  // more than there are steps
  std::mt19937 random(2);
  std::uint64_t bounded = 0;
  std::uint64_t without = 0;
  for (unsigned i = 0; i < shadowwalk::test::rounds(300); ++i) {
    const Commands commands = random_commands(random);
    for (const MemoryModel model : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
      const Exploration found = explore_bounded(model, commands, kEnough);
      const Exploration all = explore(model, commands, Reduction::none);
      if (all.outcomes.contains("deadlock")) {
        EXPECT_TRUE(found.outcomes.contains("deadlock")) << in_words(commands);
      } else {
        EXPECT_EQ(found.outcomes, all.outcomes) << in_words(commands);
      }
      bounded += found.executions;
      without += all.executions;
    }
  }
  EXPECT_LT(bounded, without) << "a store that could leave at any step of its CPU's turn leaves at its end";
}

}  // namespace
}  // namespace shadowwalk::simulation
