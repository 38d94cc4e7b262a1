#include "harness/timeline/spans.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::timeline {
namespace {

using Records = std::vector<Record>;

std::uint64_t at(double ns) { return 1'000'000 + CycleClock::from_ns(ns); }

const Span* find(const Deeds& deeds, std::string_view name) {
  for (const Span& span : deeds.spans) {
    if (span.name == name) return &span;
  }
  return nullptr;
}

TEST(SpansTest, AZapHoldsItsCommitAndItsIpis) {
  const Records records{{.ticks = at(100), .a = 7000, .probe = Probe::zap__start},
                        {.ticks = at(200), .a = 3, .c = 10, .probe = Probe::page__retire},
                        {.ticks = at(300), .a = 3, .probe = Probe::commit__start},
                        {.ticks = at(400), .a = 42, .b = 1, .probe = Probe::ipi__send},
                        {.ticks = at(500), .a = 43, .b = 1, .probe = Probe::ipi__send},
                        {.ticks = at(600), .a = 2, .b = 200, .probe = Probe::ipi__done},
                        {.ticks = at(700), .a = 3, .b = 400, .probe = Probe::commit__done},
                        {.ticks = at(800), .a = 3, .b = 0, .probe = Probe::zap__done}};
  const Deeds deeds = deeds_of(records, at(1000));
  ASSERT_EQ(deeds.spans.size(), 4u);
  EXPECT_EQ(std::string_view(deeds.spans[0].name), "zap");
  EXPECT_EQ(deeds.spans[0].start, at(100));
  EXPECT_EQ(deeds.spans[0].end, at(800));
  EXPECT_EQ(deeds.spans[0].args, R"("pages":3,"leaves":0,"late_us":7.000)");
  EXPECT_EQ(std::string_view(deeds.spans[1].name), "retire");
  EXPECT_EQ(std::string_view(deeds.spans[2].name), "commit");
  EXPECT_EQ(std::string_view(deeds.spans[3].name), "IPIs");
  EXPECT_EQ(deeds.spans[3].start, at(400));
  EXPECT_EQ(deeds.spans[3].end, at(600));
  EXPECT_EQ(deeds.spans[3].args, R"("sent":2)");
}

TEST(SpansTest, AVcpuIsInTheGuestThenWalksAndFaultsThenHalts) {
  const Records records{{.ticks = at(0), .probe = Probe::vcpu__entry},
                        {.ticks = at(1000), .a = 64, .probe = Probe::vcpu__exit},
                        {.ticks = at(3000), .a = 0x77, .b = 500, .c = 2, .probe = Probe::fault},
                        {.ticks = at(3200), .a = 100, .probe = Probe::walker__stall},
                        {.ticks = at(4000), .a = 2000, .probe = Probe::vcpu__halt},
                        {.ticks = at(7000), .probe = Probe::vcpu__entry},
                        {.ticks = at(8000), .a = 0, .probe = Probe::vcpu__exit},
                        {.ticks = at(8100), .probe = Probe::vcpu__entry}};
  const Deeds deeds = deeds_of(records, at(9000));
  ASSERT_NE(find(deeds, "walks"), nullptr);
  EXPECT_EQ(find(deeds, "walks")->start, at(1000));
  EXPECT_EQ(find(deeds, "walks")->end, at(4000));
  EXPECT_EQ(find(deeds, "walks")->args, R"("accesses":64)");
  EXPECT_EQ(find(deeds, "fault")->end, at(3000));
  EXPECT_NEAR(CycleClock::to_ns(at(3000) - find(deeds, "fault")->start), 500, 2);
  EXPECT_EQ(find(deeds, "fault")->args, R"("gfn":"0x77","kind":"MMIO")");
  EXPECT_EQ(find(deeds, "stall")->end, at(3200));
  EXPECT_EQ(find(deeds, "halt")->start, at(4000));
  EXPECT_EQ(find(deeds, "halt")->end, at(7000));
  std::size_t walks = 0;
  std::size_t guests = 0;
  for (const Span& span : deeds.spans) {
    walks += std::string_view(span.name) == "walks";
    guests += std::string_view(span.name) == "guest";
  }
  EXPECT_EQ(walks, 1u) << "an exit without accesses leads to no walks";
  EXPECT_EQ(guests, 3u) << "what is open ends with the thread";
}

TEST(SpansTest, AFaultBeginsNotBeforeTheWalksThatItIsOf) {
  const Records records{{.ticks = at(0), .probe = Probe::vcpu__entry},
                        {.ticks = at(1000), .a = 1, .probe = Probe::vcpu__exit},
                        {.ticks = at(1500), .a = 1, .b = 600, .c = 0, .probe = Probe::fault}};
  EXPECT_EQ(find(deeds_of(records, at(2000)), "fault")->start, at(1000));
}

TEST(SpansTest, PhasesFollowEachOtherUntilTheEnd) {
  const Records records{{.ticks = at(0), .a = 1, .probe = Probe::phase},
                        {.ticks = at(100), .a = 2, .probe = Probe::phase},
                        {.ticks = at(300), .a = 3, .probe = Probe::phase},
                        {.ticks = at(400), .a = 5, .probe = Probe::commit__start},
                        {.ticks = at(500), .a = 5, .probe = Probe::commit__done}};
  const Deeds deeds = deeds_of(records, at(900));
  EXPECT_EQ(find(deeds, "warm-up")->end, at(100));
  EXPECT_EQ(find(deeds, "measure")->end, at(300));
  EXPECT_EQ(find(deeds, "drain")->end, at(900));
  EXPECT_EQ(find(deeds, "commit")->end, at(500));
}

TEST(SpansTest, AnEndWhoseStartWasDroppedTellsNothing) {
  const Records records{{.ticks = at(0), .a = 5, .probe = Probe::commit__done},
                        {.ticks = at(1), .a = 5, .probe = Probe::zap__done},
                        {.ticks = at(2), .a = 5, .probe = Probe::grace__done},
                        {.ticks = at(3), .a = 5, .probe = Probe::vcpu__exit}};
  const Deeds deeds = deeds_of(records, at(9));
  for (const Span& span : deeds.spans) EXPECT_EQ(std::string_view(span.name), "walks");
}

TEST(SpansTest, NothingReachesOutOfWhatItBeganIn) {
  std::vector<Span> spans{
      {10, 100, "outer", ""}, {20, 50, "inner", ""}, {40, 60, "innermost", ""}, {50, 200, "next", ""}};
  nest(spans);
  EXPECT_EQ(spans[2].end, 50u);
  EXPECT_EQ(spans[3].end, 100u);
  EXPECT_EQ(spans[0].end, 100u);
}

}  // namespace
}  // namespace shadowwalk::timeline
