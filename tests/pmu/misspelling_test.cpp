#include "harness/measure/pmu/misspelling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/measure/pmu/event_encoder.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::HasSubstr;

struct Misspelling {
  const char* text;
  const char* meant;
};

class MisspeltEvent : public testing::TestWithParam<Misspelling> {};

TEST_P(MisspeltEvent, IsNamedWithWhatWasMeant) {
  const auto wrong = misspelt_event(GetParam().text);
  ASSERT_TRUE(wrong.has_value()) << GetParam().text;
  EXPECT_THAT(*wrong, HasSubstr(std::string("did you mean '") + GetParam().meant + "'?"));
}

INSTANTIATE_TEST_SUITE_P(All, MisspeltEvent,
                         testing::Values(Misspelling{"cyclez", "cycles"}, Misspelling{"CYCLEZ", "CYCLES"},
                                         Misspelling{"cylces", "cycles"}, Misspelling{"cyclez:u", "cycles"},
                                         Misspelling{"cycles,instuctions", "instructions"},
                                         Misspelling{"page-fault", "page-faults"},
                                         Misspelling{"contenton", "contention"}));

class NoMisspelling : public testing::TestWithParam<const char*> {};

TEST_P(NoMisspelling, IsLeftToTheEncoder) { EXPECT_EQ(misspelt_event(GetParam()), std::nullopt); }

// Of other CPUs (Intel's, AMD's, Arm's), other kernels, or none at all.
INSTANTIATE_TEST_SUITE_P(All, NoMisspelling,
                         testing::Values("cycles", "cycles:u", "Cycles", "cs", "context-switches:u", "contention",
                                         "MEM_LOAD_RETIRED:L1_MISS", "RETIRED_SSE_AVX_FLOPS:MULT_FLOPS",
                                         "no-such-event", "nonsense", "kvm:kvm_exti", "msr/tcs/", "msr/pperf/",
                                         "r1a8"));

TEST(WithSuggestion, NamesTheNearestIfThereIsOne) {
  EXPECT_EQ(with_suggestion("no", "instuctionz"), "no, did you mean 'instructions'?");
  EXPECT_EQ(with_suggestion("no", "zebra-crossing-of-a-road"), "no");
}

}  // namespace
}  // namespace shadowwalk::pmu
