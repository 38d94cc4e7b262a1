#include "harness/lab/figures.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

namespace shadowwalk {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::Not;

const Figure& figure_named(std::string_view name) {
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) {
      if (figure.name == name) return figure;
    }
  }
  throw std::out_of_range(std::string(name));
}

TEST(Figures, EachCounterHasOneRowAUnitAndAMeaning) {
  std::set<std::string> counters;
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) {
      for (const std::string& counter : counters_of(figure)) EXPECT_TRUE(counters.insert(counter).second) << counter;
      EXPECT_FALSE(figure.title.empty()) << figure.name;
      EXPECT_THAT(std::string(figure.meaning), Not(AnyOf("", EndsWith(".")))) << figure.name;
      EXPECT_NE(figure.cells, 0u) << figure.name;
    }
  }
}

TEST(Figures, UnitsAgreeWithTheNames) {
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) {
      const bool in_ns = figure.name.find("_ns") != std::string_view::npos;
      EXPECT_EQ(figure.unit == Unit::ns, in_ns) << figure.name;
      EXPECT_EQ(figure.unit == Unit::bytes, figure.name.find("bytes") != std::string_view::npos) << figure.name;
      EXPECT_EQ(figure.unit == Unit::per_second, figure.name.ends_with("per_second")) << figure.name;
    }
  }
}

TEST(Figures, ADistributionYieldsItsQuantiles) {
  EXPECT_THAT(counters_of(figure_named("free_ns")), ElementsAre("free_ns_p50", "free_ns_p99", "free_ns_max"));
  EXPECT_THAT(counters_of(figure_named("guest_clock_read_ns")), ElementsAre("guest_clock_read_ns"));
  EXPECT_THAT(counters_of(figure_named("walk_ns_mean")), ElementsAre("walk_ns_mean"));
  Histogram histogram;
  for (const std::uint64_t value : {10, 20, 1000}) histogram.record(value);
  EXPECT_EQ(value_of({"_max", 1}, histogram), 1000);
  EXPECT_EQ(value_of({"_p50", 0.5}, histogram), 20);
}

// What is not measured in a cell must not be reported as if it could have been.
TEST(Figures, WhatACellIsNotAboutIsNotApplicable) {
  const CellConfig config;
  const CellMeasurement cell;
  const Measured measured{.config = config, .cell = cell};
  for (const char* name : {"replay_events", "replay_lag_ns", "touch_ns", "dirty_pages", "line_transfers_per_walk"}) {
    EXPECT_TRUE(std::holds_alternative<NotApplicable>(figure_named(name).read(measured))) << name;
  }
}

TEST(Figures, TheExportHoldsEveryRow) {
  const json figures = json::parse(figures_as_json())["figures"];
  std::map<std::string, json> rows;
  for (const json& row : figures) rows[row["name"]] = row;
  std::size_t count = event_figures().size();
  for (const FigureTopic& topic : figure_topics()) count += topic.figures.size();
  EXPECT_EQ(rows.size(), count);
  EXPECT_EQ(rows["walk_ns"]["kind"], "distribution");
  EXPECT_EQ(rows["walk_ns"]["counters"], json::parse(R"(["walk_ns_p50", "walk_ns_p99", "walk_ns_p999"])"));
  EXPECT_EQ(rows["walk_ns"]["level"], "full");
  EXPECT_EQ(rows["walks_per_second"]["better"], "higher");
  EXPECT_EQ(rows["free_ns"]["grows_with_run"], true);
  EXPECT_EQ(rows["<event>_per_walk"]["kind"], "pattern");
}

TEST(Figures, EachRowIsInOneTableOfTheDocument) {
  std::string tables;
  for (const CellKind kind : {CellKind::measured, CellKind::host_kvm, CellKind::simulated}) {
    tables += figures_as_markdown(kind);
  }
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) {
      const std::string row = "| `" + counters_of(figure).front() + "`";
      const std::size_t first = tables.find(row);
      ASSERT_NE(first, std::string::npos) << figure.name;
      EXPECT_EQ(tables.find(row, first + 1), std::string::npos) << figure.name;
    }
  }
}

}  // namespace
}  // namespace shadowwalk
