#include "harness/run/plan_cells.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

KnownNames names_with_groups() {
  KnownNames names = product_names();
  names.variant_groups = {{"all", {"leak", "irq-ipi", "hazard", "floor"}}, {"pointers", {"hazard", "hazard-eras"}}};
  return names;
}

/// A host without KVM, or with it, on which floor cannot zap and hazard-eras does not run.
PlanHost host(bool has_kvm = false) {
  return {.decide =
              [has_kvm](CellRequest& request) {
                const bool was_given = request.config.guest != GuestKind::automatic;
                if (was_given) return std::string();
                request.config.guest = has_kvm ? GuestKind::kvm : GuestKind::thread;
                return std::string(has_kvm ? "" : "thread guests, since there is no KVM");
              },
          .why_not = [](const CellRequest& decided) -> std::string {
            if (decided.config.variant == "hazard-eras") return "it does not run here";
            return decided.config.variant == "floor" && decided.config.zappers != 0 ? "it cannot zap" : "";
          }};
}

Plan plan_by(const std::string& text, const PlanHost& host, const std::string& filter = "") {
  return make_plan(parse_matrix(text, "m.toml", names_with_groups()), {.repetitions = {}, .seed = 1, .filter = filter},
                   host);
}

/// `group:variant:vcpus:guest` of each cell.
std::vector<std::string> listed(const Plan& plan) {
  std::vector<std::string> cells;
  for (const PlannedCell& cell : plan.cells) {
    const CellConfig& config = cell.request.config;
    cells.push_back(fmt::format("{}:{}:{}:{}", cell.group, config.variant, config.vcpus, to_string(config.guest)));
  }
  return cells;
}

std::string group(const std::string& name, const std::string& more) {
  return fmt::format("[[group]]\nname = \"{}\"\nworkload = \"mmio-poll\"\n{}\n", name, more);
}

/// A machine that hwloc makes up.
class ScaledPlanTest : public testing::Test {
 protected:
  static void machine(const char* topology) { setenv("HWLOC_SYNTHETIC", topology, 1); }
  ~ScaledPlanTest() override { unsetenv("HWLOC_SYNTHETIC"); }
  /// The numbers of vCPUs of a group with these lines.
  static std::vector<unsigned> vcpus(const std::string& more) {
    std::vector<unsigned> numbers;
    for (const PlannedCell& cell : plan_by(group("g", "variant = \"leak\"\n" + more), host()).cells) {
      numbers.push_back(cell.request.config.vcpus);
    }
    return numbers;
  }
};

TEST_F(ScaledPlanTest, TheHostDecidesTheNumbers) {
  machine("package:1 core:2 pu:1");
  EXPECT_THAT(vcpus("vcpus = \"scale\""), ElementsAre(1));
  EXPECT_THAT(vcpus("vcpus = \"scale\"\nzappers = 0"), ElementsAre(1, 2));
  machine("package:1 core:3 pu:1(indexes=1,4,6)");
  EXPECT_THAT(vcpus("vcpus = \"scale\""), ElementsAre(1));
  EXPECT_THAT(vcpus("vcpus = \"scale\"\nzappers = 0"), ElementsAre(1, 2, 3));
  machine("package:1 core:4 pu:2");
  EXPECT_THAT(vcpus("vcpus = \"scale\""), ElementsAre(1, 2));
  EXPECT_THAT(vcpus("vcpus = \"scale\"\nzappers = 0"), ElementsAre(1, 2, 4));
  machine("package:1 l3:1 core:8 pu:1");
  EXPECT_THAT(vcpus("vcpus = \"scale\""), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(vcpus("vcpus = \"scale\"\nzappers = 2"), ElementsAre(1, 2, 4, 5));
  machine("package:2 l3:1 core:16 pu:2");
  EXPECT_THAT(vcpus("vcpus = \"scale\""), ElementsAre(1, 2, 4, 14, 30));
  EXPECT_THAT(vcpus("vcpus = \"scale\"\nplacement = \"llc\""), ElementsAre(1, 2, 4, 14));
  machine("package:2 l3:8 core:8 pu:2");
  EXPECT_THAT(vcpus("vcpus = \"scale\""), ElementsAre(1, 2, 4, 8, 62, 126));
  EXPECT_THAT(vcpus("vcpus = \"scale:1,max\""), ElementsAre(1, 126));
}

TEST_F(ScaledPlanTest, NumbersAreWrittenIntoThePlan) {
  machine("package:1 l3:1 core:8 pu:1");
  const std::string text = group("walks", "variant = [\"leak\", \"hazard\"]\nzappers = 0\nvcpus = \"scale:1,max\"") +
                           group("zaps", "variant = \"leak\"\nvcpus = [\"scale:1,max\", 2]");
  const Plan plan = plan_by(text, host());
  EXPECT_THAT(listed(plan),
              ElementsAre("walks:leak:1:thread", "walks:leak:8:thread", "walks:hazard:1:thread",
                          "walks:hazard:8:thread", "zaps:leak:2:thread", "zaps:leak:1:thread", "zaps:leak:6:thread"));
  EXPECT_THAT(plan.cells[1].name, HasSubstr("/vcpus:8/"));
  const HostRoom walks{.placement = "auto", .reserved = 0, .room = {.llc = 8, .package = 8, .all = 8}};
  const HostRoom zaps{.placement = "auto", .reserved = 2, .room = {.llc = 6, .package = 6, .all = 6}};
  EXPECT_EQ(plan.scale, (VcpuNumbers{.vcpus = {1, 6, 8}, .reserved = 2, .rooms = {walks, zaps}}));
  EXPECT_EQ(plan_by(text, host(), "^walks/").scale, (VcpuNumbers{.vcpus = {1, 8}, .reserved = 0, .rooms = {walks}}))
      << "of the cells that are measured";
  EXPECT_EQ(why_not_here(*plan.scale), std::nullopt);
  machine("package:1 l3:1 core:4 pu:1");
  EXPECT_THAT(difference(plan, plan_by(text, host()), std::nullopt).value_or(""), HasSubstr("cell 1 was walks/leak"));
  EXPECT_EQ(
      why_not_here(*plan.scale),
      "its host had room for 8 vCPUs (8 in a socket, 8 in a last-level cache) beside 0 reserved CPUs with placement "
      "auto, this one for 4 vCPUs (4 in a socket, 4 in a last-level cache)");
}

TEST_F(ScaledPlanTest, NumbersWithoutRoomAreLeftOut) {
  machine("package:1 core:4 pu:1");
  EXPECT_THAT(vcpus("vcpus = \"scale:2,16\""), ElementsAre(2));
  EXPECT_THAT(vcpus("vcpus = [16, \"scale:2\"]"), ElementsAre(16, 2)) << "a plain number is measured as it is";
  const std::string none = group("large", "variant = \"leak\"\nvcpus = \"scale:16\"");
  const Plan plan = plan_by(none + group("small", "variant = \"leak\""), host());
  EXPECT_THAT(listed(plan), ElementsAre("small:leak:1:thread"));
  EXPECT_THAT(plan.notices, testing::Contains("group large leaves out 1 cell: there is room for 2 vCPUs at most, "
                                              "beside 2 reserved CPUs"));
  EXPECT_THAT(complaint([&] { plan_by(none, host()); }),
              AllOf(HasSubstr("m.toml: no cell can be measured on this host"), HasSubstr("room for 2 vCPUs")));
}

TEST_F(ScaledPlanTest, APlacementThatTheHostDoesNotHaveIsOneLine) {
  machine("package:1 core:4 pu:1");
  EXPECT_THAT(complaint([&] { vcpus("vcpus = \"scale\"\nplacement = \"0,9\""); }),
              testing::StartsWith("m.toml: group g: --placement 0,9: CPU 9 is not there"));
  const HostRoom elsewhere{.placement = "0,9", .reserved = 0, .room = {.llc = 2, .package = 2, .all = 2}};
  EXPECT_THAT(why_not_here({.vcpus = {2}, .reserved = 0, .rooms = {elsewhere}}).value_or(""),
              HasSubstr("and on this one --placement 0,9: CPU 9 is not there"));
}

TEST_F(ScaledPlanTest, DefaultsMayLeaveItToTheHost) {
  machine("package:1 core:4 pu:1");
  const Plan plan =
      plan_by("[defaults]\nvcpus = \"scale\"\nvariant = \"pointers\"\n" + group("g", "zappers = 0"), host());
  EXPECT_THAT(listed(plan), ElementsAre("g:hazard:1:thread", "g:hazard:2:thread", "g:hazard:4:thread"));
}

TEST(PlanCells, AGroupOfVariantsLeavesOutWhatCannotBeMeasured) {
  const Plan plan = plan_by(group("walks", "variant = \"all\"\nzappers = 0") + group("zaps", "variant = \"all\"") +
                                group("pointers", "variant = [\"pointers\", \"leak\", \"all\"]"),
                            host());
  EXPECT_THAT(listed(plan),
              ElementsAre("walks:leak:1:thread", "walks:irq-ipi:1:thread", "walks:hazard:1:thread",
                          "walks:floor:1:thread", "zaps:leak:1:thread", "zaps:irq-ipi:1:thread", "zaps:hazard:1:thread",
                          "pointers:hazard:1:thread", "pointers:leak:1:thread", "pointers:irq-ipi:1:thread"));
  EXPECT_THAT(plan.notices, UnorderedElementsAre("thread guests, since there is no KVM",
                                                 "group zaps leaves out 1 cell: it cannot zap",
                                                 "group pointers leaves out 1 cell: it cannot zap",
                                                 "group pointers leaves out 1 cell: it does not run here"));
}

TEST(PlanCells, WhatIsNamedStays) {
  const Plan plan = plan_by(group("g", "variant = [\"pointers\", \"hazard-eras\"]"), host());
  EXPECT_THAT(listed(plan), ElementsAre("g:hazard:1:thread", "g:hazard-eras:1:thread"))
      << "it becomes a failed cell with its reason";
  EXPECT_THAT(complaint([] { plan_by(group("g", "variant = [\"all\", \"all\"]"), host()); }),
              HasSubstr("'variant' holds all twice"));
  EXPECT_THAT(complaint([] { plan_by(group("g", "variant = \"pointer\""), host()); }),
              HasSubstr("did you mean 'pointers'?"));
}

TEST(PlanCells, WithoutAHostNothingIsDecided) {
  const Plan plan = plan_by(group("g", "variant = \"all\""), {});
  EXPECT_THAT(listed(plan), ElementsAre("g:leak:1:auto", "g:irq-ipi:1:auto", "g:hazard:1:auto", "g:floor:1:auto"));
  EXPECT_THAT(plan.notices, IsEmpty());
  EXPECT_FALSE(plan.cells[0].request.has("guest"));
}

const std::string kThreads = group("threads",
                                   "variant = [\"leak\", \"hazard\", \"mutex\"]\nguest = \"thread\"\n"
                                   "zappers = 0\nvcpus = [1, 2]\nduration = \"250ms\"");

TEST(PlanCells, ACopyThatOnlyTheGuestsDecisionMadeIsLeftOut) {
  const std::string guests = group("guests",
                                   "variant = [\"leak\", \"hazard\"]\nzappers = 0\nvcpus = [1, 2]\n"
                                   "duration = \"150ms\"\nwarmup = \"1ms\"");
  for (const std::string& text : {kThreads + guests, guests + kThreads}) {
    const Plan plan = plan_by(text, host());
    EXPECT_EQ(plan.cells.size(), 6u);
    for (const PlannedCell& cell : plan.cells) EXPECT_EQ(cell.group, "threads");
    EXPECT_THAT(plan.notices, testing::Contains("group guests leaves out 4 cells: the guest auto is thread here, and "
                                                "group threads asks for this guest and is the same but for times"));
    EXPECT_EQ(plan_by(text, host(), "^guests/").cells.size(), 4u) << "there is no other one then";
    EXPECT_EQ(plan_by(text, host(/*has_kvm=*/true)).cells.size(), 10u);
  }
}

TEST(PlanCells, WhatIsNoCopyStays) {
  const auto kept = [](const std::string& more) {
    const Plan plan = plan_by(kThreads + group("guests", "duration = \"150ms\"\n" + more), host());
    return std::ranges::count(plan.cells, "guests", &PlannedCell::group);
  };
  const std::string leak = "variant = \"leak\"\nzappers = 0\n";
  EXPECT_EQ(kept(leak), 0);
  EXPECT_EQ(kept(leak + "zap-rate = 7"), 0) << "without zappers it means nothing";
  EXPECT_EQ(kept(leak + "guest = \"thread\""), 1) << "it is asked for: a second time, for its group";
  EXPECT_EQ(kept(leak + "walks-per-exit = 16"), 1);
  EXPECT_EQ(kept(leak + "seed = 2"), 1);
  EXPECT_EQ(kept(leak + "vcpus = [2, 4]"), 1) << "4 vCPUs are in no other group";
  EXPECT_EQ(kept("variant = [\"leak\", \"hazard\"]\nzappers = 0"), 0);
  EXPECT_EQ(kept("variant = [\"leak\", \"ibr\"]\nzappers = 0"), 2) << "ibr would have none to be compared with";
  EXPECT_EQ(kept("variant = \"leak\""), 1) << "a zapper";
}

// Both of a pair may be elsewhere, and yet in settings that are not compared.
TEST(PlanCells, CopiesInTwoSettingsAreNone) {
  const std::string apart = group("one", "variant = \"leak\"\nguest = \"thread\"\nduration = \"1s\"") +
                            group("two", "variant = \"hazard\"\nguest = \"thread\"\nduration = \"2s\"");
  const Plan plan = plan_by(apart + group("both", "variant = [\"leak\", \"hazard\"]\nduration = \"3s\""), host());
  EXPECT_EQ(plan.cells.size(), 4u);
}

TEST(PlanCells, TwoGuestsOfOneGroupMayBeTheSame) {
  for (const char* guests : {"[\"thread\", \"auto\"]", "[\"auto\", \"thread\"]"}) {
    const std::string text = group("g", fmt::format("variant = [\"leak\", \"hazard\"]\nguest = {}", guests));
    const Plan plan = plan_by(text, host());
    EXPECT_THAT(listed(plan), UnorderedElementsAre("g:leak:1:thread", "g:hazard:1:thread"));
    EXPECT_THAT(plan.notices,
                testing::Contains(HasSubstr("group g leaves out 2 cells: the guest auto is thread here")));
    EXPECT_EQ(plan_by(text, host(/*has_kvm=*/true)).cells.size(), 4u);
  }
}

TEST(PlanCells, ANameSaysWhatIsDecided) {
  PlanHost no_zappers;
  no_zappers.decide = [](CellRequest& request) {
    request.config.zappers = 0;
    return std::string();
  };
  const Plan plan = plan_by(group("g", "variant = \"leak\""), no_zappers);
  EXPECT_THAT(plan.cells[0].name, HasSubstr("/zappers:0/"));
  EXPECT_FALSE(plan.cells[0].request.has("zappers")) << "the cell decides it again";
}

// What the matrix of scripts/run was without KVM: its guests once more, for another time.
TEST(PlanCells, TheQuickMatrixMeasuresNothingTwice) {
  const Matrix quick = read_matrix(std::filesystem::path{MATRICES_DIR} / "quick.toml", product_names());
  const Plan threads = make_plan(quick, {.repetitions = {}, .seed = 1, .filter = ""}, host());
  std::map<std::string, int> times_of;
  for (const PlannedCell& cell : threads.cells) {
    CellConfig config = cell.request.config;
    config.duration = config.warmup = {};
    ++times_of[setting_of(config) + config.variant + CellOption(*find_cell_option("rcu-interval")).text(config) +
               to_string(config.read_delay)];
  }
  for (const auto& [cell, times] : times_of) EXPECT_EQ(times, 1) << cell;
}

}  // namespace
}  // namespace shadowwalk::run
