#include "harness/run/rounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(HalfWidth, IsThatOfTheReports) {
  EXPECT_NEAR(half_width({0, 1}), 12.7062 / 2, 1e-4);
  EXPECT_NEAR(half_width({1, 2, 3}), 4.30265 / std::sqrt(3), 1e-4);
  EXPECT_EQ(half_width({5, 5, 5, 5}), 0);
  EXPECT_NEAR(half_width({1, 2, 3, 4, 5, 6, 100}), 2.633967099255253, 1e-9) << "effect_of() of the reports says this";
  EXPECT_NEAR(half_width({3, 1, 4, 1.5, 9, 2.6, 5, 3.5, 8, 9.7, 9.3, 2.3, 8.4, 6.2}), 2.424352556948354, 1e-9);
  EXPECT_EQ(half_width({}), kInfinity);
  EXPECT_EQ(half_width({1}), kInfinity);
}

class RoundsTest : public ::testing::Test {
 protected:
  static Plan plan_of(const std::string& groups) {
    return make_plan(parse_matrix(groups, "m.toml", product_names()), {.repetitions = 3, .seed = 1, .filter = ""});
  }
  /// One setting of irq-ipi, leak and rcu; cells 0 to 2.
  static Plan one_setting(int zappers) {
    return plan_of("[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=['leak','irq-ipi','rcu']\nzappers=" +
                   std::to_string(zappers) + "\n");
  }
  static StoredResult result_of(double walk_ns, double walks_per_second, bool is_noisy = false) {
    StoredResult result;
    result.noisy = is_noisy;
    result.counters = {{"walk_ns_mean", walk_ns}, {"walks_per_second", walks_per_second}};
    return result;
  }
  void store(int cell, std::initializer_list<double> walk_ns) {
    int repetition = 0;
    for (const double ns : walk_ns) results_[{.cell = cell, .repetition = repetition++}] = result_of(ns, 1);
  }

  Results results_;
};

const auto kAllFit = [](const std::vector<int>&) { return true; };

TEST_F(RoundsTest, SettingsDifferInMoreThanTheScheme) {
  const Plan plan = plan_of(
      "[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=['leak','rcu']\nvcpus=[1,2]\nrcu-interval=['0','1ms']\n"
      "[[group]]\nname='h'\nworkload='mmio-poll'\nvariant=['leak','rcu']\n"
      "[[group]]\nname='alone'\nworkload='quota'\nvariant=['leak']\n");
  const auto settings = compared_settings(plan);
  EXPECT_THAT(settings, SizeIs(3)) << "one per number of vCPUs of g, one of h";
  for (const auto& setting : settings) {
    for (const int id : setting) {
      const PlannedCell& first = plan.cells[static_cast<std::size_t>(setting.front())];
      const PlannedCell& cell = plan.cells[static_cast<std::size_t>(id)];
      EXPECT_EQ(cell.group, first.group);
      EXPECT_EQ(cell.request.config.vcpus, first.request.config.vcpus);
    }
  }
}

TEST_F(RoundsTest, TheBaselineIsThatOfReports) {
  const auto of = [](const std::string& variants) {
    return baseline_variant(plan_of("[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=[" + variants + "]\n"));
  };
  EXPECT_EQ(of("'leak','rcu','irq-ipi'"), "irq-ipi");
  EXPECT_EQ(of("'rcu','leak'"), "leak");
  EXPECT_EQ(of("'rcu','srcu'"), "rcu");
}

TEST_F(RoundsTest, TheWidestOfTheSettingCounts) {
  const Plan plan = one_setting(0);
  store(1, {10, 10, 10});
  store(0, {5, 5, 5});
  EXPECT_EQ(widest_half_width(plan, {0, 1, 2}, results_), 0) << "rcu has no result: it is not compared";
  store(2, {11, 12, 13});
  EXPECT_NEAR(widest_half_width(plan, {0, 1, 2}, results_), half_width({std::log(1.1), std::log(1.2), std::log(1.3)}),
              1e-12);
}

TEST_F(RoundsTest, ADriftOfAllCellsIsNoSpread) {
  const Plan plan = one_setting(0);
  store(1, {10, 20, 40});
  store(2, {11, 22, 44});
  EXPECT_NEAR(widest_half_width(plan, {0, 1, 2}, results_), 0, 1e-12);
}

TEST_F(RoundsTest, NoisyRepetitionsAreNoPairs) {
  const Plan plan = one_setting(0);
  store(1, {10, 10, 10});
  store(2, {11, 11, 20});
  results_[{2, 2}] = result_of(20, 1, true);
  EXPECT_EQ(widest_half_width(plan, {0, 1, 2}, results_), 0);
  results_[{1, 1}] = result_of(10, 1, true);
  EXPECT_EQ(widest_half_width(plan, {0, 1, 2}, results_), kInfinity) << "one pair is left";
}

TEST_F(RoundsTest, ThroughputWithZappersOrWithoutWalkTimes) {
  for (const bool has_zappers : {true, false}) {
    const Plan plan = one_setting(has_zappers ? 1 : 0);
    results_.clear();
    for (int repetition = 0; repetition < 3; ++repetition) {
      results_[{1, repetition}] = result_of(10, 100);
      results_[{2, repetition}] = result_of(10 + repetition, 100);
    }
    if (!has_zappers) {
      EXPECT_GT(widest_half_width(plan, {0, 1, 2}, results_), 0);
      results_[{2, 0}].counters.erase("walk_ns_mean");
    }
    EXPECT_EQ(widest_half_width(plan, {0, 1, 2}, results_), 0) << has_zappers;
  }
}

TEST_F(RoundsTest, OnlyWhatIsWiderThanThePrecision) {
  const Plan plan = one_setting(0);
  store(1, {10, 10, 10});
  store(2, {11, 11.01, 10.99});
  EXPECT_THAT(imprecise_settings(plan, results_, 0.025), IsEmpty());
  EXPECT_THAT(imprecise_settings(plan, results_, 0.001), ElementsAre(UnorderedElementsAre(0, 1, 2)));
}

TEST_F(RoundsTest, ARoundIsARepetitionOfTheWholeSetting) {
  const Plan plan = one_setting(0);
  store(0, {10});
  store(1, {10});
  store(2, {10});
  const auto round = next_round(plan, {{0, 1, 2}}, results_, kAllFit);
  EXPECT_THAT(round, UnorderedElementsAre(Measurement{0, 3}, Measurement{1, 3}, Measurement{2, 3}));
  results_.erase({0, 0});
  EXPECT_THAT(next_round(plan, {{0, 1, 2}}, results_, kAllFit),
              UnorderedElementsAre(Measurement{1, 3}, Measurement{2, 3}))
      << "a cell that always fails is not tried again";
  EXPECT_THAT(next_round(plan, {}, results_, kAllFit), IsEmpty());
}

TEST_F(RoundsTest, ARoundTakesWhatFits) {
  const Plan plan = plan_of("[[group]]\nname='g'\nworkload='mmio-poll'\nvariant=['leak','rcu']\nvcpus=[1,2]\n");
  const auto settings = compared_settings(plan);
  ASSERT_THAT(settings, SizeIs(2));
  for (int id = 0; id < 4; ++id) store(id, {10});
  EXPECT_THAT(next_round(plan, settings, results_, kAllFit), SizeIs(4));
  const auto round = next_round(plan, settings, results_, [](const auto& cells) { return cells.size() <= 3; });
  ASSERT_THAT(round, SizeIs(2));
  for (const Measurement& measurement : round) EXPECT_THAT(settings[0], testing::Contains(measurement.cell));
  EXPECT_THAT(next_round(plan, settings, results_, [](const auto&) { return false; }), IsEmpty());
}

TEST_F(RoundsTest, PlansHaveLimits) {
  Plan plan = one_setting(0);
  for (int id = 0; id < 3; ++id) store(id, {10});
  plan.order.push_back({.cell = 1, .repetition = kMaxRepetitions - 1});
  EXPECT_THAT(next_round(plan, {{0, 1, 2}}, results_, kAllFit), IsEmpty());
}

TEST_F(RoundsTest, RoundsOfAPlanAreReadAsTheyAreWritten) {
  Plan plan = one_setting(0);
  plan.rounds = {plan.order.size(), plan.order.size() + 2};
  for (const Measurement& added : {Measurement{0, 3}, {1, 3}, {2, 3}}) plan.order.push_back(added);
  const Plan again = plan_from_text(to_json(plan).dump(), "run.json");
  EXPECT_EQ(again.order, plan.order);
  EXPECT_EQ(again.rounds, plan.rounds);

  const auto refused = [&](const std::vector<std::size_t>& rounds) {
    plan.rounds = rounds;
    return complaint([&] { plan_from_text(to_json(plan).dump(), "run.json"); });
  };
  EXPECT_THAT(refused({}), testing::HasSubstr("order[9][1]")) << "a repetition that nothing has added";
  EXPECT_THAT(refused({10}), testing::HasSubstr("order[9][1]"));
  EXPECT_THAT(refused({9, 9}), testing::HasSubstr("rounds[1]"));
  EXPECT_THAT(refused({9, 12}), testing::HasSubstr("behind the end of order"));
  EXPECT_THAT(refused({0}), testing::HasSubstr("rounds[0]"));
}

}  // namespace
}  // namespace shadowwalk::run
