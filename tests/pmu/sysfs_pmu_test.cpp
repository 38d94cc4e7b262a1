#include "harness/measure/pmu/sysfs_pmu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pmu/fake_tree.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(TermFormat, RangesInAnyWord) {
  const auto plain = parse_term_format("config:0-7,32-35");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->word, 0u);
  EXPECT_THAT(plain->bits, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 32, 33, 34, 35));
  EXPECT_EQ(parse_term_format("config1:3")->word, 1u);
  EXPECT_EQ(parse_term_format("config2:0-63")->bits.size(), 64u);
}

TEST(TermFormat, MalformedOnesAreRefused) {
  for (const char* text : {"", "config", "config:", "config:7-0", "config:64", "config:0-64", "config:x", "config9:0",
                           "cfg:0", "config:0,", "config:0-7-9", "config12:0"}) {
    EXPECT_EQ(parse_term_format(text), std::nullopt) << text;
  }
}

TEST(TermFormat, BitsGoWhereTheFormatSays) {
  perf_event_attr attributes{};
  attributes.config = ~0ull;
  const TermFormat event = parse_term_format("config:0-7,32-35").value();
  EXPECT_TRUE(put_term(event, 0xa43, attributes));
  EXPECT_EQ(attributes.config, 0xfffffffaffffff43ull) << "others keep their bits, and old ones of the term go";
  EXPECT_FALSE(put_term(event, 0x1000, attributes)) << "13 bits into 12";
  EXPECT_TRUE(put_term(parse_term_format("config2:0-63").value(), ~0ull, attributes));
  EXPECT_EQ(attributes.config2, ~0ull);
}

class SysfsPmuTest : public testing::Test {
 protected:
  SysfsPmuTest() { tree_.add_core_pmu(); }
  EncodedEvent encode(const std::string& event) {
    auto result = encode_sysfs_event(event, tree_.paths);
    if (const auto* refusal = std::get_if<Refusal>(&result)) {
      ADD_FAILURE() << event << ": " << refusal->reason;
      return {};
    }
    return std::get<EncodedEvent>(result);
  }
  std::string refused(const std::string& event) {
    auto result = encode_sysfs_event(event, tree_.paths);
    if (const auto* refusal = std::get_if<Refusal>(&result)) return refusal->reason;
    return "not refused";
  }
  FakeTree tree_;
};

TEST_F(SysfsPmuTest, TermsOfACorePmu) {
  const EncodedEvent event = encode("cpu/event=0x143,umask=0x2,inv,offcore_rsp=0x10003c0002,name=fills/");
  EXPECT_EQ(event.name, "fills");
  EXPECT_EQ(event.attributes.type, 4u);
  EXPECT_EQ(event.attributes.config, 0x100800243ull);
  EXPECT_EQ(event.attributes.config1, 0x10003c0002ull);
  EXPECT_EQ(event.kind, EventKind::core);
  EXPECT_TRUE(event.attributes.exclude_kernel) << "anyone may count user code";
  EXPECT_TRUE(event.attributes.exclude_guest) << "a guest's instructions are no walks";
  EXPECT_EQ(event.encoded, "cpu/config=0x100800243,config1=0x10003c0002/u");
}

TEST_F(SysfsPmuTest, ModifiersPickTheLevels) {
  EXPECT_FALSE(encode("cpu/event=1/uk").attributes.exclude_kernel);
  EXPECT_TRUE(encode("cpu/event=1/k").attributes.exclude_user);
  EXPECT_FALSE(encode("cpu/event=1/G").attributes.exclude_guest);
  EXPECT_TRUE(encode("cpu/event=1/G").attributes.exclude_host);
  EXPECT_THAT(refused("cpu/event=1/p"), HasSubstr("'p'"));
}

TEST_F(SysfsPmuTest, ConfigAsAWhole) { EXPECT_EQ(encode("cpu/config=0xc0/").attributes.config, 0xc0u); }

TEST_F(SysfsPmuTest, AliasesWithUnitAndScale) {
  tree_.write("devices/power/type", "23");
  tree_.write("devices/power/format/event", "config:0-7");
  tree_.write("devices/power/events/energy-cores", "event=0x01");
  tree_.write("devices/power/events/energy-cores.scale", "2.3283064365386962890625e-10");
  tree_.write("devices/power/events/energy-cores.unit", "Joules");
  const EncodedEvent event = encode("power/energy-cores/");
  EXPECT_EQ(event.attributes.type, 23u);
  EXPECT_EQ(event.attributes.config, 1u);
  EXPECT_DOUBLE_EQ(event.scale, 2.3283064365386962890625e-10);
  EXPECT_EQ(event.unit, "Joules");
  EXPECT_EQ(event.kind, EventKind::device);
  EXPECT_FALSE(event.attributes.exclude_kernel) << "such PMUs can filter nothing";
  EXPECT_EQ(encode("cpu/cpu-cycles/").attributes.config, 0x76u);
}

TEST_F(SysfsPmuTest, WhatCannotBeIsSaid) {
  EXPECT_THAT(refused("gpu/x/"), HasSubstr("no PMU 'gpu' here; there are: cpu"));
  EXPECT_THAT(refused("cpu/evnt=1/"), HasSubstr("no term 'evnt'"));
  EXPECT_THAT(refused("cpu/evnt=1/"), HasSubstr("event inv offcore_rsp umask cpu-cycles"));
  EXPECT_THAT(refused("cpu/event=x/"), HasSubstr("must be a number"));
  EXPECT_THAT(refused("cpu/umask=0x100/"), HasSubstr("does not fit its 8 bits"));
  EXPECT_THAT(refused("cpu/mem-loads/"), HasSubstr("ldlat"));
  EXPECT_THAT(refused("../devices/cpu/x/"), HasSubstr("no PMU"));
  EXPECT_THAT(refused("cpu/../"), testing::Not(HasSubstr("not refused")));
  tree_.write("devices/cpu/format/odd", "config:99");
  EXPECT_THAT(refused("cpu/odd=1/"), HasSubstr("not understood"));
}

TEST_F(SysfsPmuTest, UncorePmusCountNoThread) {
  tree_.write("devices/uncore_imc_0/type", "30");
  tree_.write("devices/uncore_imc_0/cpumask", "0");
  EXPECT_THAT(refused("uncore_imc_0/event=1/"), HasSubstr("perf stat -a"));
}

TEST_F(SysfsPmuTest, ListsPmusWithTheirEvents) {
  const auto pmus = sysfs_pmus(tree_.paths);
  ASSERT_EQ(pmus.size(), 1u);
  EXPECT_EQ(pmus[0].name, "cpu");
  EXPECT_THAT(pmus[0].events, ElementsAre("cpu/cpu-cycles/", "cpu/mem-loads/"));
}

TEST(SysfsPmus, CoresOfAHybridOrArmMachineAreFound) {
  FakeTree tree;
  EXPECT_FALSE(has_core_pmu(tree.paths));
  tree.write("devices/msr/type", "9");
  EXPECT_FALSE(has_core_pmu(tree.paths));
  tree.write("devices/armv8_pmuv3_0/type", "8");
  tree.write("devices/armv8_pmuv3_0/cpus", "0-3");
  EXPECT_TRUE(has_core_pmu(tree.paths));
  tree.paths.event_source = tree.root() / "none";
  EXPECT_FALSE(has_core_pmu(tree.paths));
  EXPECT_TRUE(sysfs_pmus(tree.paths).empty());
}

}  // namespace
}  // namespace shadowwalk::pmu
