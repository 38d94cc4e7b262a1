#include "harness/trace/reorder_window.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace shadowwalk::trace {
namespace {

TraceEvent at(std::uint64_t time_ns, std::uint64_t gfn = 0) { return {time_ns, 0, TraceKind::read_fault, gfn, 1}; }

struct Recorded {
  std::vector<TraceEvent> events;
  ReorderWindow window;
  explicit Recorded(std::size_t capacity)
      : window(capacity, [this](const TraceEvent& event) { events.push_back(event); }) {}
};

TEST(ReorderWindow, PutsEventsIntoOrderAndKeepsTheOrderOfEqualTimes) {
  Recorded recorded(4);
  for (const TraceEvent& event : {at(5, 0), at(3), at(5, 1), at(4), at(5, 2), at(9), at(6)}) recorded.window.add(event);
  recorded.window.flush();
  EXPECT_EQ(recorded.events, (std::vector<TraceEvent>{at(3), at(4), at(5, 0), at(5, 1), at(5, 2), at(6), at(9)}));
  EXPECT_EQ(recorded.window.late(), 0u);
}

TEST(ReorderWindow, HoldsNoMoreThanItsCapacity) {
  Recorded recorded(3);
  for (std::uint64_t time = 0; time < 10; ++time) recorded.window.add(at(time));
  EXPECT_EQ(recorded.events.size(), 7u);
}

TEST(ReorderWindow, CountsWhatIsLateAndLeavesItOut) {
  Recorded recorded(2);
  for (const std::uint64_t time : {10u, 20u, 30u}) recorded.window.add(at(time));
  EXPECT_FALSE(recorded.window.add(at(4)));
  EXPECT_FALSE(recorded.window.add(at(7)));
  EXPECT_TRUE(recorded.window.add(at(10))) << "as old as what was given out: in order still";
  recorded.window.flush();
  EXPECT_EQ(recorded.window.late(), 2u);
  EXPECT_EQ(recorded.window.latest_by(), 6u);
  EXPECT_EQ(recorded.events, (std::vector<TraceEvent>{at(10), at(10), at(20), at(30)}));
}

TEST(ReorderWindow, AnEventCanBeChangedWhileItIsHeldOnly) {
  Recorded recorded(2);
  const auto first = recorded.window.add(at(1, 1));
  const auto second = recorded.window.add(at(2, 2));
  recorded.window.find(*first)->gfn = 100;
  recorded.window.add(at(3, 3));
  EXPECT_EQ(recorded.window.find(*first), nullptr);
  ASSERT_NE(recorded.window.find(*second), nullptr);
  EXPECT_EQ(recorded.window.find(*second)->gfn, 2u);
  recorded.window.add(at(4, 4));
  EXPECT_EQ(recorded.window.find(*first), nullptr);
  EXPECT_EQ(recorded.events.front().gfn, 100u);
}

}  // namespace
}  // namespace shadowwalk::trace
