#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/attach/top/view.hpp"
#include "harness/attach/top/watch.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk::top {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kSecond = 1'000'000'000;
using Values = std::vector<std::uint64_t>;

TEST(Sparkline, IsAsHighAsTheGreatestOfEachPart) {
  EXPECT_EQ(sparkline(Values{0, 1, 4, 8}, 10, Blocks::unicode), "·▁▄█");
  EXPECT_EQ(sparkline(Values{0, 1, 4, 8}, 10, Blocks::ascii), "._=@");
  EXPECT_EQ(sparkline(Values{0, 1, 4, 8}, 2, Blocks::ascii), "_@");
  EXPECT_EQ(sparkline(Values{1, 1000}, 2, Blocks::ascii), "_@") << "what is there is seen";
  EXPECT_EQ(sparkline(Values{0, 0}, 2, Blocks::ascii), "..");
  EXPECT_EQ(sparkline(Values{}, 2, Blocks::ascii), "");
  EXPECT_EQ(sparkline(Values{1}, 0, Blocks::ascii), "");
}

/// A cell with two vCPUs and a zapper in the middle of its window of two seconds.
class TopTest : public testing::Test {
 protected:
  TopTest() {
    counters->begin(2, 1);
    counters->page_bytes.store(4096);
    frame.run.id = "cell-7";
    frame.run.began_ns = kSecond;
    frame.run.cell = live::CellPart{.id = -1,
                                    .name = "irq-ipi/mmio-poll/vcpus:2",
                                    .variant = "irq-ipi",
                                    .workload = "mmio-poll",
                                    .held = false,
                                    .counters_fd = 3,
                                    .schedule = live::Schedule{2 * kSecond, 4 * kSecond}};
    look(3 * kSecond);
  }

  void look(std::uint64_t at_ns) {
    frame.before = std::move(frame.now);
    frame.now = take_sample(*counters, at_ns);
    frame.at_ns = at_ns;
    frame.phase = frame.run.phase(at_ns);
  }

  std::string text(std::size_t columns = 200) const {
    std::string all;
    for (const std::string& line : lines_of(frame, columns, Blocks::ascii)) all += line + "\n";
    return all;
  }

  const std::unique_ptr<LiveCounters> counters = std::make_unique<LiveCounters>();
  Frame frame;
};

TEST_F(TopTest, RatesAreSinceTheLastLook) {
  EXPECT_THAT(text(), HasSubstr("walks       -")) << "there was none yet";
  counters->vcpu(0).walks.store(4'000'000);
  counters->vcpu(1).walks.store(6'000'000);
  counters->vcpu(0).exits[static_cast<std::size_t>(ExitReason::doorbell)].store(3000);
  counters->vcpu(1).exits[static_cast<std::size_t>(ExitReason::interrupted)].store(1000);
  counters->vcpu(1).violations.store(2);
  counters->zapper(0).zaps.store(500);
  counters->zapper(0).zaps_empty.store(20);
  counters->ipis.total.store(100);
  look(3 * kSecond + kSecond / 2);
  const std::string said = text();
  EXPECT_THAT(said, HasSubstr("cell-7  measure, 1.5s of 2.0s"));
  EXPECT_THAT(said, HasSubstr("irq-ipi/mmio-poll/vcpus:2\n"));
  EXPECT_THAT(said, HasSubstr("20.0 M/s  = vcpu-0 8.00 M/s + vcpu-1 12.0 M/s"));
  EXPECT_THAT(said, HasSubstr("1.00 k/s  found nothing 40.0 /s"));
  EXPECT_THAT(said, HasSubstr("8.00 k/s  = doorbell 6.00 k/s + interrupted 2.00 k/s"));
  EXPECT_THAT(said, HasSubstr("IPIs        200 /s"));
  EXPECT_THAT(said, HasSubstr("violations  2"));
}

TEST_F(TopTest, RetiredMemoryIsThatOfTheFootprint) {
  Window window;
  window.set(0, 256);
  Footprint footprint(
      window, [](std::uint64_t ticks) { return ticks; }, &counters->footprint);
  for (std::uint64_t i = 0; i < 3; ++i) {
    footprint.on_allocate(0);
    footprint.on_unlink(10);
  }
  footprint.on_free({10}, 40);
  footprint.on_free({10}, 90);
  look(3 * kSecond);
  EXPECT_EQ(frame.now->pages_retired, 1u);
  EXPECT_EQ(frame.now->retired_peak, 3u);
  EXPECT_EQ(frame.now->pages_freed, 2u);
  EXPECT_EQ(frame.intervals_begun(), 129u);
  const std::string said = text(40);
  EXPECT_THAT(said, HasSubstr("4.00 KiB now  12.0 KiB at"));
  EXPECT_THAT(said, HasSubstr("@@@")) << said;
  EXPECT_THAT(text(), HasSubstr("window: p50 30.0 ns  p99 80.0 ns  max 80.0 ns"));
  frame.phase = "ended";
  EXPECT_THAT(text(600), HasSubstr(sparkline(frame.now->retired_series, 256, Blocks::ascii)));
}

TEST_F(TopTest, APageThatIsFreedBetweenTwoReadsLeavesNoHugeLevel) {
  counters->footprint.freers[0].freed.total.store(1);  // its unlinking was read before it happened
  look(3 * kSecond);
  EXPECT_EQ(frame.now->pages_retired, 0u);
  for (const std::uint64_t pages : frame.now->retired_series) EXPECT_EQ(pages, 0u);
}

TEST_F(TopTest, LatenciesOfTheLastIntervalStandBesideThoseOfTheWindow) {
  for (int i = 0; i < 100; ++i) counters->ipis.ns.record(10);
  look(3 * kSecond);
  for (int i = 0; i < 100; ++i) counters->ipis.ns.record(90);
  look(3 * kSecond + kSecond);
  EXPECT_THAT(text(), HasSubstr("p50 90.0 ns  p99 90.0 ns  max 90.0 ns"));
  EXPECT_THAT(text(), HasSubstr("window: p50 10.0 ns  p99 90.0 ns  max 90.0 ns"));
}

TEST_F(TopTest, LinesAreCutToTheTerminal) {
  for (const std::size_t columns : {1u, 12u, 20u, 79u}) {
    for (const std::string& line : lines_of(frame, columns, Blocks::ascii))
      EXPECT_LE(line.size(), std::max<std::size_t>(columns, 15)) << line;
  }
}

TEST_F(TopTest, WhatIsNotThereIsSaid) {
  frame.now.reset();
  frame.why_no_counters = "process 7 has ended";
  EXPECT_THAT(text(), HasSubstr("no counters: process 7 has ended"));
  EXPECT_THAT(text(), Not(HasSubstr("walks")));
  EXPECT_EQ(nlohmann::json::parse(json_of(frame))["unavailable"], "process 7 has ended");
  frame.run.cell.reset();
  frame.why_no_counters.clear();
  EXPECT_THAT(text(), HasSubstr("between two cells"));
}

TEST_F(TopTest, ACellOfTheKernelsOwnMmuHasNoWalksHere) {
  counters->page_bytes.store(0);
  counters->zapper(0).zaps.store(5);
  look(3 * kSecond + kSecond);
  EXPECT_THAT(text(), HasSubstr("by the kernel"));
  EXPECT_THAT(text(), Not(HasSubstr("retired")));
  EXPECT_FALSE(nlohmann::json::parse(json_of(frame)).contains("retired_bytes"));
}

TEST_F(TopTest, JsonHasTotalsAndRates) {
  counters->vcpu(1).walks.store(1000);
  counters->vcpu(1).exits[static_cast<std::size_t>(ExitReason::mmio)].store(10);
  look(3 * kSecond + kSecond / 2);
  const auto object = nlohmann::json::parse(json_of(frame));
  EXPECT_EQ(object["id"], "cell-7");
  EXPECT_EQ(object["phase"], "measure");
  EXPECT_EQ(object["totals"]["walks"], 1000);
  EXPECT_EQ(object["totals"]["exits"]["mmio"], 10);
  EXPECT_EQ(object["per_second"]["walks"], 2000.0);
  EXPECT_EQ(object["per_second"]["walks_by_vcpu"], nlohmann::json({0.0, 2000.0}));
  EXPECT_EQ(object["retired_bytes"], 0);
  EXPECT_FALSE(object.contains("free_ns")) << "nothing was freed";
}

}  // namespace
}  // namespace shadowwalk::top
