#include "harness/run/cell_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/replay/lane.hpp"
#include "tests/run/test_support.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::optional<std::string> check(std::string_view key, std::string_view value) {
  const CellOption* option = find_cell_option(key);
  EXPECT_NE(option, nullptr) << key;
  return option == nullptr ? std::nullopt : check_value(*option, value, product_names());
}

TEST(CellOptions, EveryDefaultIsAValidValue) {
  for (const CellOption& option : cell_option_table()) {
    if (!option.fallback.empty()) {
      EXPECT_EQ(check(option.key, option.fallback), std::nullopt) << option.key;
    }
  }
}

TEST(CellOptions, AcceptsWhatTheCellAccepts) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"variant", "irq-ipi-2012"},
                                                        {"workload", "memslot-flip"},
                                                        {"vcpus", "256"},
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
  const CellOptions options = {{"zap-rate", "50"}, {"vcpus", "2"}, {"variant", "leak"}};
  EXPECT_THAT(command_line(options), ElementsAre("--variant", "leak", "--vcpus", "2", "--zap-rate", "50"));
}

TEST(CellOptions, NameHoldsDefaultsAndWhatVaries) {
  const CellOptions options = {
      {"variant", "leak"}, {"workload", "mmio-poll"}, {"vcpus", "2"}, {"rcu-interval", "4ms"}, {"checks", "full"}};
  EXPECT_EQ(cell_name(options, {"vcpus", "rcu-interval"}),
            "leak/mmio-poll/vcpus:2/zappers:1/zap_rate:1000/burst:1024/guest:auto/placement:auto/rcu_interval:4ms");
  EXPECT_EQ(cell_name({{"variant", "leak"}, {"workload", "mix"}, {"locality", "zipf:0.99"}}, {"locality", "writes"}),
            "leak/mix/vcpus:1/zappers:1/zap_rate:1000/burst:1024/guest:auto/placement:auto/locality:zipf:0.99"
            "/writes:workload");
  for (const char* file : {"trace:a/b/mine.swtrace", "trace:mine.swtrace"}) {
    EXPECT_EQ(cell_name({{"variant", "leak"}, {"workload", file}, {"speed", "2"}}, {"speed"}),
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
  EXPECT_EQ(check_value(*find_cell_option("workload"), "trace:mix", names), "asked for trace:mix");
  EXPECT_EQ(check_value(*find_cell_option("workload"), "mix", names), std::nullopt);
}

TEST(CellOptions, MeasuringTimeTakesDefaults) {
  EXPECT_EQ(measuring_time({}), 2500ms);
  EXPECT_EQ(measuring_time({{"duration", "250ms"}, {"warmup", "0"}}), 250ms);
}

}  // namespace
}  // namespace shadowwalk::run
