#include "harness/run/plan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kMatrix = R"(
repetitions = 2
[defaults]
workload = "mmio-poll"
[[group]]
name = "a"
variant = ["leak", "hazard"]
vcpus = [1, 2]
[[group]]
name = "b"
variant = "leak"
rcu-interval = ["1ms", "4ms"]
[[group]]
name = "b"
variant = "leak"
rcu-interval = ["4ms", 0]
)";

Plan plan_of(const PlanRequest& request = {.repetitions = {}, .seed = 7, .filter = ""}) {
  return make_plan(parse_matrix(kMatrix, "m.toml", product_names()), request);
}

std::vector<int> cells_of(const std::vector<Measurement>& order, std::size_t begin, std::size_t count) {
  std::vector<int> cells;
  for (std::size_t i = begin; i < begin + count; ++i) cells.push_back(order[i].cell);
  return cells;
}

TEST(Plan, ExpandsTheCrossProductOfEachGroup) {
  const Plan plan = plan_of();
  std::vector<std::string> names;
  for (const PlannedCell& cell : plan.cells) names.push_back(cell.group + ":" + cell.name);
  const std::string rest = "/zappers:1/zap_rate:1000/burst:1024/guest:auto/placement:auto";
  EXPECT_THAT(names, ElementsAre("a:leak/mmio-poll/vcpus:1" + rest, "a:leak/mmio-poll/vcpus:2" + rest,
                                 "a:hazard/mmio-poll/vcpus:1" + rest, "a:hazard/mmio-poll/vcpus:2" + rest,
                                 "b:leak/mmio-poll/vcpus:1" + rest + "/rcu_interval:1ms",
                                 "b:leak/mmio-poll/vcpus:1" + rest + "/rcu_interval:4ms",
                                 "b:leak/mmio-poll/vcpus:1" + rest + "/rcu_interval:0"))
      << "tables of one name are one group, without duplicates";
  for (std::size_t i = 0; i < plan.cells.size(); ++i) EXPECT_EQ(plan.cells[i].id, static_cast<int>(i));
  std::set<std::string> distinct(names.begin(), names.end());
  EXPECT_EQ(distinct.size(), names.size());
}

/// As many cells, each in a setting of its own.
std::vector<int> settings(int cells) {
  std::vector<int> numbers(static_cast<std::size_t>(cells));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(Plan, OrderInterleavesRepetitions) {
  constexpr int kCells = 50;
  constexpr int kRepetitions = 4;
  const auto order = interleaved_order(settings(kCells), kRepetitions, 1);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kCells * kRepetitions));
  std::set<std::vector<int>> orders;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const std::size_t begin = static_cast<std::size_t>(repetition * kCells);
    for (std::size_t i = begin; i < begin + kCells; ++i) EXPECT_EQ(order[i].repetition, repetition);
    auto cells = cells_of(order, begin, kCells);
    EXPECT_FALSE(std::is_sorted(cells.begin(), cells.end()));
    orders.insert(cells);
    std::sort(cells.begin(), cells.end());
    for (int i = 0; i < kCells; ++i) EXPECT_EQ(cells[static_cast<std::size_t>(i)], i) << "each cell once a repetition";
  }
  EXPECT_EQ(orders.size(), static_cast<std::size_t>(kRepetitions)) << "another order in each repetition";
}

TEST(Plan, TheCellsOfASettingAreNextToEachOther) {
  constexpr int kSettings = 12, kVariants = 5, kRepetitions = 6;
  std::vector<int> numbers;
  for (int i = 0; i < kSettings * kVariants; ++i) numbers.push_back(i % kSettings);
  const auto order = interleaved_order(numbers, kRepetitions, 3);
  ASSERT_EQ(order.size(), numbers.size() * kRepetitions);
  std::set<std::vector<int>> orders_of_settings, orders_of_variants;
  for (std::size_t begin = 0; begin < order.size(); begin += kVariants) {
    std::vector<int> variants;
    for (std::size_t i = begin; i < begin + kVariants; ++i) {
      EXPECT_EQ(numbers[static_cast<std::size_t>(order[i].cell)], numbers[static_cast<std::size_t>(order[begin].cell)]);
      EXPECT_EQ(order[i].repetition, order[begin].repetition);
      variants.push_back(order[i].cell / kSettings);
    }
    orders_of_variants.insert(variants);
    EXPECT_EQ(std::set(variants.begin(), variants.end()).size(), static_cast<std::size_t>(kVariants));
  }
  for (std::size_t begin = 0; begin < order.size(); begin += numbers.size()) {
    std::vector<int> of_settings;
    for (std::size_t i = begin; i < begin + numbers.size(); i += kVariants) {
      of_settings.push_back(numbers[static_cast<std::size_t>(order[i].cell)]);
    }
    orders_of_settings.insert(of_settings);
  }
  EXPECT_EQ(orders_of_settings.size(), static_cast<std::size_t>(kRepetitions));
  EXPECT_GT(orders_of_variants.size(), 30u) << "no variant always comes first";
}

TEST(Plan, OrderIsDeterminedByTheSeed) {
  EXPECT_EQ(interleaved_order(settings(30), 3, 5), interleaved_order(settings(30), 3, 5));
  EXPECT_NE(interleaved_order(settings(30), 3, 5), interleaved_order(settings(30), 3, 6));
  // Recorded once: a seed must give the same order in every later build, and with every standard library.
  EXPECT_THAT(cells_of(interleaved_order(settings(6), 1, 42), 0, 6), ElementsAre(3, 1, 5, 2, 4, 0));
  EXPECT_THAT(cells_of(interleaved_order(std::vector<int>{0, 1, 0, 1, 0, 1}, 2, 42), 0, 12),
              ElementsAre(3, 1, 5, 4, 2, 0, 0, 4, 2, 3, 5, 1));
}

TEST(Plan, EveryPlaceIsAboutEquallyLikely) {
  std::vector<int> first(5, 0);
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    ++first[static_cast<std::size_t>(interleaved_order(settings(5), 1, seed)[0].cell)];
    ++first[static_cast<std::size_t>(interleaved_order(std::vector<int>(5, 0), 1, seed)[0].cell)];
  }
  for (const int count : first) EXPECT_NEAR(count, 2000, 212);  // five standard deviations
}

// A setting is all but the scheme's own options; a scheme is the variant and its knobs.
TEST(Plan, SchemesAreShuffledWithinTheirSetting) {
  const Plan plan = plan_of({.repetitions = 5, .seed = 2, .filter = ""});
  // Cells: a: leak 1, leak 2, hazard 1, hazard 2 vCPUs; b: leak, 1 vCPU, three RCU intervals.
  const std::set<int> one_vcpu = {0, 2, 4, 5, 6};
  for (std::size_t begin = 0; begin < plan.order.size(); begin += 7) {
    int changes = 0;
    for (std::size_t i = begin + 1; i < begin + 7; ++i) {
      changes += one_vcpu.contains(plan.order[i].cell) != one_vcpu.contains(plan.order[i - 1].cell) ? 1 : 0;
    }
    EXPECT_EQ(changes, 1);
  }
}

TEST(Plan, RequestOverridesTheMatrix) {
  const Plan plan = plan_of({.repetitions = 9, .seed = 3, .filter = ""});
  EXPECT_EQ(plan.repetitions, 9);
  EXPECT_EQ(plan.seed, 3u);
  EXPECT_EQ(plan.order.size(), 63u);
  EXPECT_THAT(complaint([] { plan_of({.repetitions = 0, .seed = 1, .filter = ""}); }), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(complaint([] { plan_of({.repetitions = 1 << 30, .seed = 1, .filter = ""}); }),
              HasSubstr("--repetitions"));
}

TEST(Plan, DrawsASeedWhenNoneIsGiven) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 4; ++i) seeds.insert(plan_of({}).seed);
  EXPECT_GT(seeds.size(), 1u);
}

TEST(Plan, FiltersByNameAndByGroup) {
  EXPECT_EQ(plan_of({.repetitions = {}, .seed = 1, .filter = "^hazard/"}).cells.size(), 2u);
  EXPECT_EQ(plan_of({.repetitions = {}, .seed = 1, .filter = "^b/"}).cells.size(), 3u);
  EXPECT_EQ(plan_of({.repetitions = {}, .seed = 1, .filter = "rcu_interval:(1|4)ms"}).cells.size(), 2u);
  EXPECT_THAT(complaint([] { plan_of({.repetitions = {}, .seed = 1, .filter = "("}); }),
              HasSubstr("regular expression"));
  EXPECT_THAT(complaint([] { plan_of({.repetitions = {}, .seed = 1, .filter = "xyz"}); }),
              HasSubstr("matches no cell; their names look like a/leak/mmio-poll/vcpus:1"));
}

TEST(Plan, SurvivesTheRoundTripThroughJson) {
  const Plan plan = plan_of({.repetitions = {}, .seed = UINT64_MAX, .filter = "leak"});
  const auto document = nlohmann::ordered_json::parse(to_json(plan).dump());
  EXPECT_EQ(document["format"], "shadowwalk-run-1");
  EXPECT_EQ(document["cells"][0]["options"]["vcpus"], 1) << "numbers stay numbers";
  EXPECT_EQ(document["matrix"]["text"], kMatrix);
  const Plan read = plan_from_text(document.dump(), "run.json");
  EXPECT_EQ(difference(plan, read, plan.seed), std::nullopt);
  EXPECT_EQ(read.order, plan.order);
  EXPECT_EQ(read.seed, plan.seed);
  EXPECT_EQ(read.started, plan.started);
}

TEST(Plan, TheNumbersOfAScaleAreRecorded) {
  Plan plan = plan_of();
  EXPECT_FALSE(to_json(plan).contains("scale"));
  plan.scale.emplace();
  for (const unsigned number : {2u, 14u, 1u, 2u}) {
    plan.scale->add(number, {.placement = "auto", .reserved = 2, .room = {.llc = 8, .package = 14, .all = 30}});
  }
  auto document = to_json(plan);
  EXPECT_EQ(
      document["scale"].dump(),
      R"({"vcpus":[1,2,14],"reserved":2,"rooms":[{"placement":"auto","reserved":2,"llc":8,"socket":14,"max":30}]})");
  EXPECT_EQ(plan_from_text(document.dump(), "run.json").scale, plan.scale);
  const auto refused = [&](const char* scale) {
    document["scale"] = nlohmann::ordered_json::parse(scale);
    return complaint([&] { plan_from_text(document.dump(), "D/run.json"); });
  };
  EXPECT_THAT(refused(R"({"vcpus":[0],"reserved":2})"), HasSubstr("scale.vcpus[0] is 0, not 1 to 1024"));
  EXPECT_THAT(refused(R"({"vcpus":[2,1],"reserved":2})"), HasSubstr("scale.vcpus[1] is out of order"));
  EXPECT_THAT(refused(R"({"vcpus":[2,2],"reserved":2})"), HasSubstr("scale.vcpus[1] is out of order"));
  EXPECT_THAT(refused(R"({"vcpus":[2],"reserved":-1})"), HasSubstr("scale.reserved is"));
  EXPECT_THAT(refused(R"({"vcpus":[2],"reserved":0})"), HasSubstr("scale.rooms is missing"));
  EXPECT_THAT(refused(R"({"vcpus":[2],"reserved":0,"rooms":[{"placement":"auto","reserved":2,"llc":0}]})"),
              HasSubstr("scale.rooms[0].llc is 0, not 1 to 1048576"));
  EXPECT_THAT(refused(R"({"vcpus":[2]})"), HasSubstr("scale.reserved is missing"));
  EXPECT_THAT(refused(R"([])"), HasSubstr("scale is no object"));
}

TEST(Plan, RefusesWhatIsNoPlan) {
  const auto good = to_json(plan_of());
  const auto broken = [&](const std::function<void(nlohmann::ordered_json&)>& damage) {
    auto document = good;
    damage(document);
    return complaint([&] { plan_from_text(document.dump(), "D/run.json"); });
  };
  EXPECT_EQ(broken([](auto&) {}), "(no complaint)");
  const auto refused = HasSubstr("D/run.json: not the plan");
  EXPECT_THAT(broken([](auto& d) { d = nlohmann::ordered_json::value_t::discarded; }), refused);
  EXPECT_THAT(broken([](auto& d) { d = 3; }), refused);
  EXPECT_THAT(broken([](auto& d) { d["format"] = "shadowwalk-run-2"; }), refused);
  EXPECT_THAT(broken([](auto& d) { d.erase("cells"); }), refused);
  EXPECT_THAT(broken([](auto& d) { d["cells"][1]["id"] = 5; }), refused);
  EXPECT_THAT(broken([](auto& d) { d["order"][0][0] = 1000; }), refused);
  EXPECT_THAT(broken([](auto& d) { d["order"][0] = d["order"][1]; }), refused);
  EXPECT_THAT(broken([](auto& d) { d["order"] = nlohmann::ordered_json::array(); }), refused);
  EXPECT_THAT(broken([](auto& d) { d["seed"] = "x"; }), refused);
  EXPECT_THAT(broken([](auto& d) { d["cells"][0]["options"]["vcpus"] = 0; }), refused);
  EXPECT_THAT(broken([](auto& d) { d["cells"][0]["options"]["sheep"] = 1; }), refused);
}

TEST(Plan, RefusesWhatNoMatrixMakes) {
  const auto good = to_json(plan_of());
  const auto broken = [&](const char* place, const nlohmann::ordered_json& value) {
    auto document = good;
    document[nlohmann::ordered_json::json_pointer(place)] = value;
    return complaint([&] { plan_from_text(document.dump(), "D/run.json"); });
  };
  const auto no_numbers = nlohmann::ordered_json::parse("[1e300, 2.5, true, null, \"2\", []]");
  for (const nlohmann::ordered_json& no_number : no_numbers) {
    for (const char* place : {"/seed", "/repetitions", "/cells/0/id", "/order/0/0", "/order/0/1"}) {
      EXPECT_THAT(broken(place, no_number), HasSubstr("is of another type; it must be a whole number")) << place;
    }
  }
  EXPECT_THAT(broken("/cells/0/options/vcpus", 1e300), HasSubstr("cells[0].options.vcpus is of another type"));
  EXPECT_THAT(broken("/cells/0/options/vcpus", nullptr), HasSubstr("cells[0].options.vcpus is of another type"));
  EXPECT_THAT(broken("/repetitions", 4294967297), HasSubstr("repetitions is 4294967297, not 1 to 1000"));
  EXPECT_THAT(broken("/order/0", nlohmann::ordered_json::array({0})), HasSubstr("order[0] is no pair"));
  EXPECT_THAT(broken("/order/0", nlohmann::ordered_json::array({0, 0, 0})), HasSubstr("order[0] is no pair"));
  EXPECT_THAT(broken("/cells/0/options", nlohmann::ordered_json::object()), HasSubstr("options.variant is missing"));
  EXPECT_THAT(broken("/cells/0/name", "\x1b[2J"), HasSubstr("cells[0].name has characters that cannot be printed"));
  EXPECT_THAT(broken("/format", nlohmann::ordered_json::array()), HasSubstr("format is of another type"));
}

TEST(Plan, IsReadFromItsText) {
  const Plan plan = plan_of();
  const std::string text = to_json(plan).dump(1);
  EXPECT_EQ(difference(plan, plan_from_text(text, "run.json"), plan.seed), std::nullopt);
  const auto refused = [](const std::string& content) {
    return complaint([&] { plan_from_text(content, "D/run.json"); });
  };
  EXPECT_THAT(refused(text.substr(0, text.size() / 2)),
              HasSubstr("D/run.json: not the plan of a shadowwalk run (is no JSON"));
  EXPECT_THAT(refused(text + '\0' + text), HasSubstr("is zero"));
  for (const char* key : {"format", "plugins", "cells", "order", "matrix"}) {
    EXPECT_THAT(refused(fmt::format("{{\"{}\": {}", key, std::string(1'000'000, '['))),
                HasSubstr("is nested more than 64 deep"))
        << key;
  }
}

TEST(Plan, AFolderMayHaveAnyNameAndAWorkloadNot) {
  KnownNames names = product_names();
  names.check_workload_file = [](std::string_view) { return std::nullopt; };
  const auto plan_in = [&](const std::string& workload) {
    const std::string text = "[[group]]\nname = \"g\"\nvariant = \"leak\"\nworkload = \"" + workload + "\"\n";
    return make_plan(parse_matrix(text, "/a\tb/m.toml", names), {});
  };
  const Plan plan = plan_in("./mine.toml");
  EXPECT_EQ(plan.cells.at(0).request.config.workload, "/a\tb/mine.toml");
  EXPECT_EQ(difference(plan, plan_from_text(to_json(plan).dump(), "run.json"), {}), std::nullopt);
  EXPECT_THAT(complaint([&] { plan_in("./a\tb.toml"); }),
              HasSubstr("'workload' has characters that cannot be printed"));
}

TEST(Plan, AWordInPlaceOfANumberComesBack) {
  const std::string text =
      "[[group]]\nname = \"g\"\nvariant = \"leak\"\nworkload = \"mix\"\nwrites = [\"workload\", 30]\n";
  const Plan plan = make_plan(parse_matrix(text, "m.toml", product_names()), {});
  const auto document = to_json(plan);
  EXPECT_EQ(document["cells"][0]["options"]["writes"], "workload");
  EXPECT_EQ(document["cells"][1]["options"]["writes"], 30);
  EXPECT_EQ(difference(plan, plan_from_text(document.dump(), "run.json"), {}), std::nullopt);
}

TEST(Plan, NamesTheDifference) {
  const Plan plan = plan_of();
  EXPECT_EQ(difference(plan, plan_of({.repetitions = {}, .seed = 99, .filter = ""}), std::nullopt), std::nullopt)
      << "a seed that was not asked for does not matter";
  EXPECT_THAT(difference(plan, plan, 99).value_or(""), HasSubstr("seed was 7, now 99"));
  Plan other = plan;
  other.repetitions = 3;
  EXPECT_THAT(difference(plan, other, {}).value_or(""), HasSubstr("repetitions were 2, now 3"));
  other = plan;
  other.cells[2].request.config.vcpus = 4;
  EXPECT_THAT(difference(plan, other, {}).value_or(""), HasSubstr("cell 2 was a/hazard"));
  other = plan;
  other.cells.pop_back();
  EXPECT_THAT(difference(plan, other, {}).value_or(""), HasSubstr("7 cells, the matrix 6"));
  other = plan;
  other.filter = "x";
  EXPECT_THAT(difference(plan, other, {}).value_or(""), HasSubstr("filter"));
}

}  // namespace
}  // namespace shadowwalk::run
