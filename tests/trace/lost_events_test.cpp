#include "harness/trace/lost_events.hpp"

#include <gmock/gmock.h>

namespace shadowwalk::trace {
namespace {

TEST(LostEvents, AsEachRecorderCountsThem) {
  for (const auto& [line, count] : {
           std::pair{"qemu 4250 [003] 1.5: PERF_RECORD_LOST lost 12", 12u},
           std::pair{"qemu 4250 [003] 1.5: PERF_RECORD_LOST_SAMPLES lost 5", 5u},
           std::pair{"CPU:2 [LOST 30 EVENTS]", 30u},
           std::pair{"[  12.3] CPU:2 [LOST 30 EVENTS]\r", 30u},
           std::pair{"[LOST 30 EVENTS]", 30u},
           std::pair{"CPU:2 [100 EVENTS DROPPED]", 100u},
           std::pair{"# entries-in-buffer/entries-written: 9/20   #P:8", 11u},
           std::pair{"# latency: 0 us, #9/20, CPU#0 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:4)", 11u},
           std::pair{"Processed 99 events and LOST 3!", 3u},
           std::pair{"commit overrun: 4", 4u},
           std::pair{"  overrun: 4\r", 4u},
           std::pair{"dropped events: 4", 4u},
       }) {
    const auto loss = lost_events(line);
    ASSERT_TRUE(loss) << line;
    EXPECT_EQ(loss->count, count) << line;
    EXPECT_TRUE(loss->is_counted) << line;
  }
}

TEST(LostEvents, ALossThatTheRecorderDidNotCount) {
  for (const char* line : {"CPU:3 [LOST EVENTS]", "CPU:2 [EVENTS DROPPED]", "[LOST EVENTS]",
                           "Processed 99 events and lost 3 chunks!", "1.5: PERF_RECORD_LOST"}) {
    const auto loss = lost_events(line);
    ASSERT_TRUE(loss) << line;
    EXPECT_EQ(loss->count, 0u) << line;
    EXPECT_FALSE(loss->is_counted) << line;
  }
}

TEST(LostEvents, OtherLinesSayNothingAboutThem) {
  for (const char* line : {"", "cpus=4", "CPU 2 is empty", "# entries-in-buffer/entries-written: 9/9   #P:8",
                           "# entries-in-buffer/entries-written: 20/9", "# latency: 0 us, #9/9, CPU#0", "overrun: 0",
                           "overrun: x", "EVENTS", "[EVENTS", "[12 EVENTS]", "# [LOST EVENTS] in a comment"}) {
    EXPECT_FALSE(lost_events(line)) << line;
  }
}

}  // namespace
}  // namespace shadowwalk::trace
