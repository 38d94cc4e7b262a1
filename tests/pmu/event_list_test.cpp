#include "harness/measure/pmu/event_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "harness/measure/pmu/event_sets.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Microarchitecture kZen3 = Microarchitecture::amd_zen3;

TEST(EventList, CommasBetweenSlashesDoNotSplit) {
  EXPECT_THAT(select_events("cycles,cpu/event=0x43,umask=0x02,name=x/u,msr/tsc/,kvm:kvm_exit", kZen3).events,
              ElementsAre("cycles", "cpu/event=0x43,umask=0x02,name=x/u", "msr/tsc/", "kvm:kvm_exit"));
}

TEST(EventList, EachEventOnceInTheOrderOfTheText) {
  EXPECT_THAT(select_events("instructions,cycles,instructions,msr/tsc/,msr/tsc/", kZen3).events,
              ElementsAre("instructions", "cycles", "msr/tsc/"));
}

TEST(EventList, SetsExpandInPlaceAndOverlapOnce) {
  const auto events = select_events("branch-misses,branch,RETIRED_BRANCH_INSTRUCTIONS", kZen3).events;
  EXPECT_THAT(events,
              ElementsAre("branch-misses", "RETIRED_BRANCH_INSTRUCTIONS", "RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED"));
}

TEST(EventList, ASetDependsOnTheCpu) {
  const auto zen3 = select_events("contention", Microarchitecture::amd_zen3).events;
  const auto spr = select_events("contention", Microarchitecture::intel_sapphire_rapids).events;
  EXPECT_THAT(zen3, testing::Contains("DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:INT_CACHE"));
  EXPECT_THAT(spr, testing::Contains("MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD"));
  EXPECT_NE(zen3, spr);
}

TEST(EventList, AnEventKnowsItsSet) {
  const auto sets = select_events("branch-misses,task-clock,branch,cache", kZen3).sets;
  EXPECT_EQ(sets.at("RETIRED_BRANCH_INSTRUCTIONS"), "branch");
  EXPECT_FALSE(sets.contains("task-clock")) << "asked for by name alone";
}

TEST(EventList, ASetWithNothingForThisCpuIsRefusedByName) {
  const EventSelection selection = select_events("cycles,contention", Microarchitecture::unknown);
  EXPECT_THAT(selection.events, ElementsAre("cycles"));
  ASSERT_EQ(selection.refused.size(), 1u);
  EXPECT_EQ(selection.refused[0].event, "contention");
  EXPECT_THAT(selection.refused[0].reason, HasSubstr("unknown"));
}

TEST(EventList, EachWellFormedTextPasses) {
  for (const char* text :
       {"cycles", "cycles:u,cycles:k", "spr::MEM_LOAD_RETIRED:L1_MISS:c=1", "sched:sched_switch", "msr/tsc/",
        "cpu/event=0x3c,inv,cmask=2/uk", "r01c4", "contention,default", "ibs_op/cnt_ctl=1/"}) {
    EXPECT_EQ(event_list_error(text), std::nullopt) << text;
  }
}

struct Malformed {
  const char* text;
  const char* says;
  friend void PrintTo(const Malformed& malformed, std::ostream* out) { *out << malformed.says; }
};

class MalformedEventList : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedEventList, IsRefusedInOneLineThatSaysWhat) {
  const auto error = event_list_error(GetParam().text);
  ASSERT_TRUE(error.has_value());
  EXPECT_THAT(*error, HasSubstr(GetParam().says));
  EXPECT_THAT(*error, testing::Not(HasSubstr("\n")));
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedEventList,
    testing::Values(Malformed{"", "is empty"}, Malformed{",", "empty event"}, Malformed{"cycles,", "empty event"},
                    Malformed{"cycles,,instructions", "empty event"}, Malformed{"msr/tsc", "one '/'"},
                    Malformed{"a/b/c/d/", "4 '/'"}, Malformed{"/tsc/", "without a PMU"},
                    Malformed{"cycles instructions", "' '"}, Malformed{"{cycles,instructions}", "'{'"},
                    Malformed{"cycles\n", "control character"}, Malformed{"-cycles", "does not begin"},
                    Malformed{"$(reboot)", "'$'"}, Malformed{"cycles;id", "';'"}));

TEST(EventList, AbsurdlyLongTextIsRefused) {
  EXPECT_THAT(event_list_error(std::string(10'000, 'a')).value(), HasSubstr("longer than"));
}

TEST(EventList, LabelIsTheNameTermOrTheTextItself) {
  EXPECT_EQ(event_label("cycles"), "cycles");
  EXPECT_EQ(event_label("msr/tsc/"), "msr/tsc/");
  EXPECT_EQ(event_label("cpu/event=0x43,umask=0x02,name=fills.local/"), "fills.local");
  EXPECT_EQ(event_label("cpu/name=x,event=1/u"), "x");
  EXPECT_EQ(event_label("cpu/event=1,name=/"), "cpu/event=1,name=/");
}

}  // namespace
}  // namespace shadowwalk::pmu
