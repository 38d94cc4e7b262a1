#include "harness/lab/cell_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/replay/lane.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Pairs = std::vector<std::pair<std::string, std::string>>;

const KnownNames kNames{.variants = {"rcu-counter", "irq-ipi-2012", "hazard", "leak"},
                        .workloads = {"mmio-poll", "memslot-flip", "mix"}};

std::optional<std::string> check(std::string_view key, std::string_view value) {
  const CellOption* option = find_cell_option(key);
  EXPECT_NE(option, nullptr) << key;
  CellRequest request;
  return option == nullptr ? std::nullopt : give(request, *option, value, &kNames);
}

CellRequest request_of(const Pairs& values) {
  CellRequest request;
  for (const auto& [key, value] : values) EXPECT_EQ(give(request, *find_cell_option(key), value), std::nullopt) << key;
  return request;
}

TEST(CellOptions, EveryDefaultIsAValidValueAndTheSameAgain) {
  const CellRequest defaults;
  for (const CellOption& option : cell_options()) {
    if (option.required()) continue;
    CellRequest request;
    const std::string text = option.text(defaults.config);
    EXPECT_EQ(give(request, option, text, &kNames), std::nullopt) << option.key;
    EXPECT_EQ(option.text(request.config), text) << option.key;
    EXPECT_TRUE(request.has(option.key));
  }
}

TEST(CellOptions, EachRowIsComplete) {
  for (const CellOption& option : cell_options()) {
    EXPECT_TRUE(option.text && option.in_plan && option.in_result && option.copy) << option.key;
    EXPECT_TRUE(option.read || option.store) << option.key;
    EXPECT_FALSE(option.help.empty()) << option.key;
    const bool takes_words_for_times = option.kind == CellOption::Kind::time && option.read != nullptr;
    const bool needs_words = option.kind == CellOption::Kind::word || takes_words_for_times;
    EXPECT_EQ(needs_words, !option.accepted.empty()) << option.key;
  }
}

TEST(CellOptions, AValueThatIsRefusedChangesNothing) {
  CellRequest request = request_of({{"vcpus", "3"}, {"locality", "zipf:1"}});
  const CellRequest before = request;
  EXPECT_NE(give(request, *find_cell_option("vcpus"), "0"), std::nullopt);
  EXPECT_NE(give(request, *find_cell_option("locality"), "zipf:0"), std::nullopt);
  EXPECT_NE(give(request, *find_cell_option("events"), "cycles,,"), std::nullopt);
  EXPECT_EQ(request, before);
}

TEST(CellOptions, ANumberIsTakenAsOne) {
  CellRequest request;
  EXPECT_EQ(give(request, *find_cell_option("zap-rate"), 50), std::nullopt);
  EXPECT_EQ(request.config.zap_rate, 50);
  EXPECT_THAT(give(request, *find_cell_option("vcpus"), 0).value_or(""), HasSubstr("from 1 to 1024"));
  EXPECT_THAT(give(request, *find_cell_option("guest"), 0).value_or(""), HasSubstr("one of auto kvm"));
}

TEST(CellOptions, RunJsonGivesTheSameRequestAgain) {
  const Pairs values = {{"variant", "leak"},
                        {"workload", "./my own.toml"},
                        {"vcpus", "2"},
                        {"zap-rate", "10000000"},
                        {"guest", "auto"},
                        {"placement", "0,2-3"},
                        {"duration", "1.5ms"},
                        {"seed", "9223372036854775807"},
                        {"checks", "full"},
                        {"read-delay", "1/1000:50"},
                        {"locality", "zipf:0.99"},
                        {"writes", "workload"},
                        {"speed", "closed-loop"},
                        {"events", "cycles,msr/tsc/"}};
  const CellRequest request = request_of(values);
  const nlohmann::json document = to_json(request);
  EXPECT_EQ(document["zap-rate"], 10'000'000);
  EXPECT_EQ(document["duration"], "1500us");
  EXPECT_EQ(document["writes"], "workload");
  EXPECT_EQ(document.size(), values.size());
  EXPECT_EQ(cell_request_from_json(JsonValue(document)), request);
  EXPECT_FALSE(cell_request_from_json(JsonValue(document)) == request_of({{"variant", "leak"}}));
}

TEST(CellOptions, DescribesACell) {
  const CellRequest request = request_of({{"variant", "leak"}, {"duration", "250ms"}, {"rcu-interval", "4ms"}});
  const nlohmann::json cell = describe_cell(request.config);
  EXPECT_EQ(cell["duration_s"], 0.25);
  EXPECT_EQ(cell["rcu_interval_ns"], 4'000'000);
  EXPECT_EQ(cell["events"], "");
  EXPECT_EQ(cell["working_set_pages"], 4096);
  EXPECT_FALSE(cell.contains("locality") || cell.contains("write_percent")) << "the workload's own";
}

TEST(CellOptions, AcceptsWhatTheCellAccepts) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"variant", "irq-ipi-2012"},
                                                        {"workload", "memslot-flip"},
                                                        {"vcpus", "256"},
                                                        {"think-ns", "1000000000"},
                                                        {"zappers", "0"},
                                                        {"guest", "kvm"},
                                                        {"placement", "smt"},
                                                        {"placement", "0"},
                                                        {"placement", "0,2-3,7"},
                                                        {"read-delay", "1/1000:50"},
                                                        {"rcu-interval", "4ms"},
                                                        {"rcu-interval", "0"},
                                                        {"events", "cycles,msr/tsc/,contention"},
                                                        {"events", "none"},
                                                        {"locality", "uniform"},
                                                        {"locality", "stride:512"},
                                                        {"locality", "zipf:0.99"},
                                                        {"locality", "zipf:4"},
                                                        {"locality", "zipf:4.0"},
                                                        {"writes", "0"},
                                                        {"writes", "100"},
                                                        {"writes", "workload"},
                                                        {"checks", "full"}}) {
    EXPECT_EQ(check(key, value), std::nullopt) << key << " " << value;
  }
}

TEST(CellOptions, RefusesWithWhatWouldBeRight) {
  EXPECT_THAT(check("vcpus", "0").value_or(""), HasSubstr("from 1 to"));
  EXPECT_THAT(check("vcpus", "1000000000").value_or(""), HasSubstr("vcpus is 1000000000"));
  EXPECT_THAT(check("vcpus", "2x").value_or(""), HasSubstr("whole number"));
  EXPECT_THAT(check("zap-rate", "99999999999999999999").value_or(""), HasSubstr("whole number"));
  EXPECT_THAT(check("variant", "hazrad").value_or(""), HasSubstr("did you mean 'hazard'? known: rcu-counter"));
  EXPECT_THAT(check("variant", "quux-quux").value_or(""), HasSubstr("'quux-quux'; known: "));
  EXPECT_THAT(check("guest", "xen").value_or(""), HasSubstr("one of auto kvm thread"));
  EXPECT_THAT(check("placement", "0,,1").value_or(""), HasSubstr("list of CPUs"));
  EXPECT_THAT(check("read-delay", "1/0:50").value_or(""), HasSubstr("1/1000:50"));
  EXPECT_THAT(check("events", "cycles,,").value_or(""), HasSubstr("events has an empty event"));
  EXPECT_THAT(check("events", "msr/tsc").value_or(""), HasSubstr("PMU/TERMS/"));
  for (const char* wrong : {"zipf", "zipf:0", "zipf:0.0", "zipf:4.01", "zipf:1e-3", "zipf:-1", "stride:0", "stride:x",
                            "growth", "uniform:1", "zipf:99999999999999999999"}) {
    EXPECT_THAT(check("locality", wrong).value_or(""), HasSubstr("uniform, stride:N with N >= 1, or zipf:S")) << wrong;
  }
  EXPECT_THAT(check("writes", "101").value_or(""), HasSubstr("from 0 to 100"));
  EXPECT_THAT(check("writes", "-1").value_or(""), HasSubstr("from 0 to 100"));
  EXPECT_THAT(check("vcpus", "workload").value_or(""), HasSubstr("whole number")) << "it has no such default";
  EXPECT_THAT(check("duration", "0").value_or(""), HasSubstr("1ms at least"));
  EXPECT_THAT(check("duration", "2").value_or(""), HasSubstr("2s, 500ms"));
}

TEST(CellOptions, CommandLineInTheOrderOfTheTable) {
  EXPECT_THAT(command_line(request_of({{"zap-rate", "50"}, {"vcpus", "2"}, {"variant", "leak"}})),
              ElementsAre("--variant", "leak", "--vcpus", "2", "--zap-rate", "50"));
}

std::string name_of(const Pairs& values, const std::vector<std::string_view>& more_keys) {
  return cell_name(request_of(values).config, more_keys);
}

TEST(CellOptions, NameHoldsDefaultsAndWhatVaries) {
  EXPECT_EQ(
      name_of(
          {{"variant", "leak"}, {"workload", "mmio-poll"}, {"vcpus", "2"}, {"rcu-interval", "4ms"}, {"checks", "full"}},
          {"vcpus", "rcu-interval"}),
      "leak/mmio-poll/vcpus:2/zappers:1/zap_rate:1000/burst:1024/guest:auto/placement:auto/rcu_interval:4ms");
  EXPECT_EQ(name_of({{"variant", "leak"}, {"workload", "mix"}, {"locality", "zipf:0.99"}}, {"locality", "writes"}),
            "leak/mix/vcpus:1/zappers:1/zap_rate:1000/burst:1024/guest:auto/placement:auto/locality:zipf:0.99"
            "/writes:workload");
  for (const char* file : {"trace:a/b/mine.swtrace", "trace:mine.swtrace"}) {
    EXPECT_EQ(name_of({{"variant", "leak"}, {"workload", file}, {"speed", "2"}}, {"speed"}),
              "leak/trace:mine/vcpus:1/zappers:1/zap_rate:trace/burst:1024/guest:auto/placement:auto/speed:2");
  }
}

TEST(CellOptions, SpeedOfAReplay) {
  for (const char* right : {"1", "0.001", "2.5", "999.999", "1000", "1000.0", "closed-loop"}) {
    EXPECT_EQ(check("speed", right), std::nullopt) << right;
    EXPECT_TRUE(replay::parse_pace(right)) << "what the table lets pass, the replay takes: " << right;
  }
  for (const char* wrong : {"0", "0.0", "0.0001", "1000.1", "2000", "-1", "1e2", "nan", "fast", ""}) {
    EXPECT_THAT(check("speed", wrong).value_or(""), HasSubstr("a number from 0.001 to 1000")) << wrong;
  }
}

TEST(CellOptions, ATraceIsCheckedAsAFile) {
  KnownNames names{.variants = {}, .workloads = {"mix"}};
  names.check_workload_file = [](std::string_view file) { return std::optional("asked for " + std::string(file)); };
  CellRequest request;
  EXPECT_EQ(give(request, *find_cell_option("workload"), "trace:mix", &names), "asked for trace:mix");
  EXPECT_EQ(give(request, *find_cell_option("workload"), "mix", &names), std::nullopt);
}

TEST(CellOptions, MeasuringTimeTakesDefaults) {
  EXPECT_EQ(measuring_time(CellRequest().config), 2500ms);
  EXPECT_EQ(measuring_time(request_of({{"duration", "250ms"}, {"warmup", "0"}}).config), 250ms);
}

}  // namespace
}  // namespace shadowwalk
