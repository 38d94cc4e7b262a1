#include "harness/run/matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "harness/run/plan.hpp"
#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string complaint_about(const std::string& text) {
  return complaint([&] { parse_matrix(text, "m.toml", product_names()); });
}

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> texts;
  for (const CellConfig& value : axis.values) texts.push_back(axis.option->text(value));
  return texts;
}

const char* const kGroup = "[[group]]\nname = \"g\"\nvariant = \"leak\"\nworkload = \"mmio-poll\"\n";

TEST(Matrix, ReadsAxesAndDefaults) {
  const Matrix matrix = parse_matrix(R"(
title = "two groups"
seed = 42
repetitions = 3
[defaults]
workload = "mmio-poll"
duration = "250ms"
zappers = 0
[[group]]
name = "read-side"
vcpus = [1, 2]
variant = ["leak", "hazard"]
[[group]]
name = "other"
variant = "mutex"
zappers = 1
rcu-interval = [0, "4ms"]
)",
                                     "m.toml", product_names());
  EXPECT_EQ(matrix.title, "two groups");
  EXPECT_EQ(matrix.seed, 42u);
  EXPECT_EQ(matrix.repetitions, 3);
  ASSERT_EQ(matrix.groups.size(), 2u);
  const Group& first = matrix.groups[0];
  ASSERT_EQ(first.axes.size(), 5u);  // in the order of the option table, not of the file
  EXPECT_EQ(first.axes[0].option->key, "variant");
  EXPECT_THAT(texts(first.axes[0]), ElementsAre("leak", "hazard"));
  EXPECT_EQ(first.axes[1].option->key, "workload");
  EXPECT_EQ(first.axes[2].option->key, "vcpus");
  EXPECT_THAT(texts(first.axes[2]), ElementsAre("1", "2"));
  EXPECT_EQ(first.axes[3].option->key, "zappers");
  EXPECT_EQ(first.axes[4].option->key, "duration");
  const Group& second = matrix.groups[1];
  EXPECT_THAT(texts(second.axes[2]), ElementsAre("1")) << "a group's own value replaces the default";
  EXPECT_THAT(texts(second.axes[4]), ElementsAre("0", "4ms"));
}

TEST(Matrix, AWordMayStandForTheWorkloadsOwnNumber) {
  const Matrix matrix = parse_matrix(std::string(kGroup) + "writes = [\"workload\", 0, 30]\nlocality = \"zipf:1\"\n",
                                     "m.toml", product_names());
  ASSERT_EQ(matrix.groups[0].axes.size(), 4u);
  EXPECT_THAT(texts(matrix.groups[0].axes[3]), ElementsAre("workload", "0", "30"));
  EXPECT_THAT(complaint_about(std::string(kGroup) + "writes = \"30\"\n"), HasSubstr("must be a whole number"));
  EXPECT_THAT(complaint_about(std::string(kGroup) + "vcpus = \"workload\"\n"), HasSubstr("must be a whole number"));
}

TEST(Matrix, TheHostMayDecideTheNumberOfVcpus) {
  const Matrix matrix =
      parse_matrix(std::string(kGroup) + "vcpus = [3, \"scale:1,max\", \"scale\"]\n", "m.toml", product_names());
  const Axis& axis = matrix.groups[0].axes[2];
  EXPECT_THAT(texts(axis), ElementsAre("3"));
  ASSERT_EQ(axis.scales.size(), 2u);
  EXPECT_EQ(axis.scales[0].entries.size(), 2u);
  EXPECT_EQ(axis.size(), 9u) << "at most";
  EXPECT_THAT(complaint_about(std::string(kGroup) + "vcpus = [\"scale\", \"scale\"]\n"),
              HasSubstr("holds scale twice"));
  EXPECT_THAT(complaint_about(std::string(kGroup) + "zappers = \"scale\"\n"),
              StartsWith("m.toml:5:11: 'zappers' is a string; it must be a whole number"));
}

TEST(Matrix, AWordMayStandForSeveralVariants) {
  KnownNames names = product_names();
  names.variant_groups = {{"all", {"leak", "hazard", "mutex"}}, {"pointers", {"hazard", "ibr"}}};
  const auto variants = [&](const std::string& value) {
    return parse_matrix("[[group]]\nname = \"g\"\nworkload = \"mmio-poll\"\nvariant = " + value + "\n", "m.toml", names)
        .groups[0]
        .axes[0];
  };
  EXPECT_THAT(texts(variants("\"all\"")), ElementsAre("leak", "hazard", "mutex"));
  const Axis axis = variants("[\"mutex\", \"pointers\", \"all\", \"hazard\"]");
  EXPECT_THAT(texts(axis), ElementsAre("mutex", "hazard", "ibr", "leak")) << "each once";
  EXPECT_THAT(axis.by_group, ElementsAre("ibr", "leak")) << "what no name names";
  EXPECT_THAT(complaint([&] { variants("[\"all\", \"pointers\", \"all\"]"); }), HasSubstr("holds all twice"));
  EXPECT_THAT(complaint([&] { variants("\"pointer\""); }), HasSubstr("did you mean 'pointers'?"));
}

TEST(Matrix, AWorkloadsFileIsInTheMatrixsFolder) {
  const TemporaryDirectory directory;
  std::string asked;
  KnownNames names = product_names();
  names.check_workload_file = [&](std::string_view file) {
    asked = file;
    return std::optional<std::string>();
  };
  for (const std::string prefix : {"", "trace:"}) {
    const std::string text = "[[group]]\nname = \"g\"\nvariant = \"leak\"\nworkload = \"" + prefix + "./db.toml\"\n";
    const Matrix matrix = parse_matrix(text, directory / "m.toml", names);
    EXPECT_EQ(asked, prefix + (directory / "db.toml").string());
    EXPECT_THAT(texts(matrix.groups[0].axes[1]), ElementsAre(asked)) << "what the cells' processes are given";
  }
}

TEST(Matrix, LeavesSeedAndRepetitionsToTheirDefaults) {
  const Matrix matrix = parse_matrix(kGroup, "m.toml", product_names());
  EXPECT_EQ(matrix.seed, std::nullopt);
  EXPECT_EQ(matrix.repetitions, kDefaultRepetitions);
}

struct BadMatrix {
  const char* name;
  std::string text;
  const char* position;  ///< file:line:column
  const char* says;
};

void PrintTo(const BadMatrix& bad, std::ostream* out) { *out << bad.name; }

class BadMatrixTest : public ::testing::TestWithParam<BadMatrix> {};

TEST_P(BadMatrixTest, IsOneLineWithItsPosition) {
  const BadMatrix& bad = GetParam();
  EXPECT_THAT(complaint_about(bad.text),
              AllOf(StartsWith(std::string{bad.position} + ": "), HasSubstr(bad.says), Not(HasSubstr("\n"))));
}

const std::string kGroupText = kGroup;

INSTANTIATE_TEST_SUITE_P(
    Classes, BadMatrixTest,
    ::testing::Values(
        BadMatrix{"Malformed", "title = \"x\"\nseed = = 3\n", "m.toml:2:8", "not valid TOML"},
        BadMatrix{"Unterminated", "title = \"x\nseed = 3\n", "m.toml:1:11", "not valid TOML"},
        BadMatrix{"DuplicateKey", "seed = 1\nseed = 2\n", "m.toml:2:8", "not valid TOML"},
        BadMatrix{"NotUtf8", "title = \"\xff\"\n", "m.toml:1:9", "not valid TOML"},
        BadMatrix{"NoGroup", "title = \"x\"\n", "m.toml:1:1", "no [[group]]"},
        BadMatrix{"Empty", "", "m.toml:1:1", "no [[group]]"},
        BadMatrix{"GroupIsTable", "[group]\nname = \"g\"\n", "m.toml:1:1", "two brackets"},
        BadMatrix{"UnknownTopKey", "repetition = 3\n", "m.toml:1:1", "did you mean 'repetitions'?"},
        BadMatrix{"ZeroRepetitions", "repetitions = 0\n" + kGroupText, "m.toml:1:15", "from 1 to 1000"},
        BadMatrix{"ManyRepetitions", "repetitions = 1000000000\n" + kGroupText, "m.toml:1:15", "from 1 to 1000"},
        BadMatrix{"FractionalRepetitions", "repetitions = 1.5\n" + kGroupText, "m.toml:1:15", "whole number"},
        BadMatrix{"NegativeSeed", "seed = -1\n" + kGroupText, "m.toml:1:8", "from 0 to"},
        BadMatrix{"TitleIsNumber", "title = 3\n" + kGroupText, "m.toml:1:9", "must be a string"},
        BadMatrix{"UnknownOption", kGroupText + "vcpu = 2\n", "m.toml:5:1", "did you mean 'vcpus'?"},
        BadMatrix{"UnknownDefault", "[defaults]\nzap_rate = 2\n" + kGroupText, "m.toml:2:1",
                  "did you mean 'zap-rate'?"},
        BadMatrix{"ListAsDefault", "[defaults]\nvcpus = [1, 2]\n" + kGroupText, "m.toml:2:9", "lists belong into"},
        BadMatrix{"UnknownVariant",
                  "[[group]]\nname = \"g\"\nvariant = [\"leak\",\n  \"hazrad\"]\nworkload = \"mmio-poll\"\n",
                  "m.toml:4:3", "did you mean 'hazard'?"},
        BadMatrix{"UnknownWorkload", "[[group]]\nname = \"g\"\nvariant = \"leak\"\nworkload = \"poll\"\n",
                  "m.toml:4:12", "unknown workload 'poll'"},
        BadMatrix{"ZeroVcpus", kGroupText + "vcpus = [1, 0]\n", "m.toml:5:13", "from 1 to 1024"},
        BadMatrix{"ManyVcpus", kGroupText + "vcpus = 1000000000\n", "m.toml:5:9", "from 1 to 1024"},
        BadMatrix{"VcpusAsString", kGroupText + "vcpus = \"2\"\n", "m.toml:5:9", "must be a whole number"},
        BadMatrix{"UnknownScale", kGroupText + "vcpus = \"scale:1,numa\"\n", "m.toml:5:9",
                  "must be a whole number, scale, or a part of it such as scale:1,2,4,llc,socket,max"},
        BadMatrix{"VcpusAsBoolean", kGroupText + "vcpus = true\n", "m.toml:5:9", "is a boolean"},
        BadMatrix{"DurationWithoutUnit", kGroupText + "duration = 2\n", "m.toml:5:12", "with its unit"},
        BadMatrix{"BadDuration", kGroupText + "duration = \"2 days\"\n", "m.toml:5:12", "2s, 500ms"},
        BadMatrix{"NestedList", kGroupText + "vcpus = [[1]]\n", "m.toml:5:10", "is a list"},
        BadMatrix{"EmptyList", kGroupText + "vcpus = []\n", "m.toml:5:9", "empty list"},
        BadMatrix{"ValueTwice", kGroupText + "vcpus = [2, 1, 2]\n", "m.toml:5:16", "twice"},
        BadMatrix{"NoName", "[[group]]\nvariant = \"leak\"\nworkload = \"mmio-poll\"\n", "m.toml:1:1", "has no name"},
        BadMatrix{"BadName", "[[group]]\nname = \"a/b\"\n", "m.toml:2:8", "letters, digits"},
        BadMatrix{"NameOfTwoLines", "[[group]]\nname = \"a\\nb\"\n", "m.toml:2:8", "cannot be printed"},
        BadMatrix{"NoVariant", "[[group]]\nname = \"g\"\nworkload = \"mmio-poll\"\n", "m.toml:1:1", "has no variant"}),
    [](const auto& bad) { return bad.param.name; });

TEST(Matrix, RefusesMoreThanAThousandGroupsOrValues) {
  std::string groups, values;
  for (int i = 1; i <= 1001; ++i) {
    groups += "[[group]]\nname = \"g" + std::to_string(i) + "\"\nvariant = \"leak\"\nworkload = \"mmio-poll\"\n";
    values += std::to_string(i) + ",";
  }
  EXPECT_THAT(complaint_about(groups), HasSubstr("'group' has 1001 entries; at most 1000 are taken"));
  EXPECT_THAT(complaint_about(std::string{kGroup} + "zap-rate = [" + values + "]\n"),
              HasSubstr("'zap-rate' has 1001 entries; at most 1000 are taken"));
}

TEST(Matrix, RefusesABillionCells) {
  std::string text = kGroup;
  std::string values;
  for (int i = 1; i <= 1000; ++i) values += std::to_string(i) + ",";
  for (const char* axis : {"vcpus", "zap-rate", "walks-per-exit"}) text += std::string{axis} + " = [" + values + "]\n";
  EXPECT_THAT(complaint_about(text), AllOf(StartsWith("m.toml:1:1: "), HasSubstr("more than 100000 cells")));
}

TEST(Matrix, RefusesTooManyMeasurementsInAll) {
  std::string text = "repetitions = 1000\n";
  text += kGroup;
  text += "vcpus = [";
  for (int i = 1; i <= 101; ++i) text += std::to_string(i) + ",";
  text += "]\n";
  EXPECT_THAT(complaint_about(text), HasSubstr("101 cells x 1000 repetitions"));
}

TEST(Matrix, UnreadableFilesAreOneLine) {
  const TemporaryDirectory directory;
  const auto read = [&](const std::filesystem::path& path) {
    return complaint([&] { read_matrix(path, product_names()); });
  };
  EXPECT_THAT(read(directory / "none.toml"), HasSubstr("No such file"));
  EXPECT_THAT(read(directory.path()), HasSubstr("not a file"));
  EXPECT_THAT(read("/dev/zero"), HasSubstr("not a file"));
  std::ofstream{directory / "large.toml"} << std::string((1 << 20) + 1, '#');
  EXPECT_THAT(read(directory / "large.toml"), HasSubstr("larger than 1 MiB"));
}

TEST(Matrix, TheShippedOnesAreValid) {
  for (const char* name : {"quick.toml", "full.toml", "workloads.toml", "shelf.toml"}) {
    EXPECT_NO_THROW(read_matrix(std::filesystem::path{MATRICES_DIR} / name, product_names())) << name;
  }
}

TEST(Matrix, TheShorterOnesTakeAsLongAsTheySay) {
  const auto expect_below = [](const char* name, std::chrono::minutes most) {
    const Plan plan =
        make_plan(read_matrix(std::filesystem::path{MATRICES_DIR} / name, product_names()), PlanRequest{});
    std::chrono::nanoseconds total{0};
    for (const PlannedCell& cell : plan.cells) total += measuring_time(cell.request.config) * plan.repetitions;
    EXPECT_LT(total, most) << name;
    EXPECT_GE(plan.repetitions, 5) << "confidence intervals need repetitions: " << name;
  };
  expect_below("quick.toml", std::chrono::minutes{2});
  expect_below("workloads.toml", std::chrono::minutes{6});
}

// A workload that no matrix measures would appear in no report.
TEST(Matrix, EveryWorkloadIsMeasuredByTheirMatrix) {
  const Matrix matrix = read_matrix(std::filesystem::path{MATRICES_DIR} / "workloads.toml", product_names());
  std::set<std::string> measured;
  for (const Group& group : matrix.groups) {
    for (const Axis& axis : group.axes) {
      if (axis.option->key != "workload") continue;
      for (const std::string& workload : texts(axis)) measured.insert(workload);
    }
  }
  const std::vector<std::string> all = product_names().workloads;
  EXPECT_EQ(measured, std::set<std::string>(all.begin(), all.end()));
}

// docs/matrix.md describes the format for people.
TEST(Matrix, TheDocumentHasARowPerOptionAndAnExampleThatIsRead) {
  const std::string document = content_of(std::filesystem::path{DOCUMENTS_DIR} / "matrix.md");
  for (const CellOption& option : cell_options()) {
    EXPECT_THAT(document, HasSubstr("\n| `" + std::string(option.key) + "` | ")) << option.key;
  }
  const std::size_t begin = document.find("```toml\n") + 8;
  const Matrix example =
      parse_matrix(document.substr(begin, document.find("```", begin) - begin), "m.toml", product_names());
  const Plan plan = make_plan(example, PlanRequest{});
  EXPECT_EQ(plan.cells.size(), 4u);
  EXPECT_EQ(plan.repetitions, 5);
}

}  // namespace
}  // namespace shadowwalk::run
