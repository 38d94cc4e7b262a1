#include "harness/lab/result_document.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace shadowwalk {
namespace {

using nlohmann::json;
using testing::ElementsAre;

Repetition repetition(double time, std::map<std::string, double> counters) {
  return {.result = {.counters = std::move(counters), .details = {{"flags", json::array()}}, .manual_time_ns = time}};
}

ResultDocument document(std::vector<Repetition> repetitions, bool aggregates_only = false) {
  return {.executable = "test",
          .context = {{"rack", "7"}},
          .aggregates_only = aggregates_only,
          .cells = {{"leak/mmio-poll", std::move(repetitions)}}};
}

json entries_of(ResultDocument document) { return json::parse(to_text(std::move(document)))["benchmarks"]; }

std::vector<std::string> names_of(const json& entries) {
  std::vector<std::string> names;
  for (const json& entry : entries) names.push_back(entry["name"]);
  return names;
}

constexpr const char* kName = "leak/mmio-poll/iterations:1/manual_time";

TEST(ResultDocument, TheContextNamesTheMachineTheBuildAndWhatTheUserAdds) {
  const json context = json::parse(to_text(document({repetition(1, {})})))["context"];
  for (const char* key :
       {"date", "host_name", "num_cpus", "mhz_per_cpu", "caches", "load_avg", "cpu_model", "host_id"}) {
    EXPECT_TRUE(context.contains(key)) << key;
  }
  EXPECT_EQ(context["executable"], "test");
  EXPECT_EQ(context["rack"], "7");
  EXPECT_THAT(context["date"].get<std::string>(), testing::MatchesRegex("....-..-..T..:..:..[+-]..:.."))
      << "as Google Benchmark writes it";
}

TEST(ResultDocument, OneRepetitionIsOneEntryWithoutAggregates) {
  const json entries = entries_of(document({repetition(20, {{"walks_per_second", 500}})}));
  ASSERT_EQ(entries.size(), 1u);
  const json expected = {{"name", kName},
                         {"run_name", kName},
                         {"run_type", "iteration"},
                         {"family_index", 0},
                         {"threads", 1},
                         {"per_family_instance_index", 0},
                         {"repetitions", 1},
                         {"iterations", 1},
                         {"repetition_index", 0},
                         {"real_time", 20.0},
                         {"cpu_time", 20.0},
                         {"time_unit", "ns"},
                         {"walks_per_second", 500.0},
                         {"shadowwalk", {{"flags", json::array()}}}};
  EXPECT_EQ(entries[0], expected);
}

TEST(ResultDocument, SeveralRepetitionsAreFollowedByTheirAggregates) {
  const json entries = entries_of(document({repetition(10, {{"walks", 100}, {"violations", 0}}),
                                            repetition(20, {{"walks", 200}, {"violations", 0}, {"some", 2}}),
                                            repetition(30, {{"walks", 300}, {"violations", 0}, {"some", 3}})}));
  const std::string name = kName;
  EXPECT_THAT(names_of(entries),
              ElementsAre(name, name, name, name + "_mean", name + "_median", name + "_stddev", name + "_cv"));
  EXPECT_EQ(entries[2]["repetition_index"], 2);
  const json& mean = entries[3];
  EXPECT_EQ(mean["run_type"], "aggregate");
  EXPECT_EQ(mean["run_name"], kName);
  EXPECT_EQ(mean["aggregate_name"], "mean");
  EXPECT_EQ(mean["aggregate_unit"], "time");
  EXPECT_EQ(mean["iterations"], 3) << "the repetitions that it aggregates";
  EXPECT_EQ(mean["real_time"], 20);
  EXPECT_EQ(mean["some"], 2.5) << "of those that have it";
  EXPECT_FALSE(mean.contains("shadowwalk") || mean.contains("repetition_index"));
  EXPECT_EQ(entries[4]["walks"], 200);
  EXPECT_DOUBLE_EQ(entries[5]["walks"], 100);
  EXPECT_EQ(entries[6]["aggregate_unit"], "percentage");
  EXPECT_DOUBLE_EQ(entries[6]["real_time"], 0.5);
  EXPECT_FALSE(entries[6].contains("violations")) << "0 of 0 is no number";
}

TEST(ResultDocument, AggregatesAloneWhereTheyAreAskedForAndThereAreAny) {
  EXPECT_EQ(entries_of(document({repetition(10, {}), repetition(20, {})}, true)).size(), 4u);
  EXPECT_EQ(entries_of(document({repetition(10, {})}, true)).size(), 1u);
}

TEST(ResultDocument, ARepetitionThatFailedIsAnEntryAndInNoAggregate) {
  const json entries = entries_of(
      document({repetition(10, {{"walks", 1}}), {.result = {}, .error = "it hung"}, repetition(20, {{"walks", 3}})}));
  ASSERT_EQ(entries.size(), 7u);
  EXPECT_EQ(entries[1]["error_occurred"], true);
  EXPECT_EQ(entries[1]["error_message"], "it hung");
  EXPECT_FALSE(entries[1].contains("shadowwalk") || entries[1].contains("walks"));
  EXPECT_EQ(entries[3]["real_time"], 15);
  EXPECT_EQ(entries[3]["iterations"], 2);
  EXPECT_EQ(entries[3]["repetitions"], 3);
}

TEST(ResultDocument, WhatPerturbedACellIsItsLabel) {
  Repetition perturbed = repetition(1, {});
  perturbed.result.details["perturbed"] = "perf record";
  EXPECT_EQ(entries_of(document({perturbed}))[0]["label"], "perturbed: perf record");
}

TEST(ResultDocument, TextThatIsNoUtf8DoesNotCostTheResult) {
  Repetition broken = repetition(1, {});
  broken.result.details["command"] = "shadowwalk cell --workload \xff.toml";
  EXPECT_EQ(entries_of(document({broken})).size(), 1u);
}

TEST(ResultContext, NamesTheMachineAndTheBuild) {
  const auto context = result_context();
  for (const char* key : {"shadowwalk_version", "shadowwalk_build", "shadowwalk_compiler", "cpu_model", "kernel",
                          "clock", "clock_read_ns", "kvm", "pmu", "host_id"}) {
    ASSERT_TRUE(context.contains(key)) << key;
    EXPECT_FALSE(context.at(key).empty()) << key;
  }
}

}  // namespace
}  // namespace shadowwalk
