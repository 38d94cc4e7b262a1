#include "harness/replay/feeder.hpp"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <thread>

#include "harness/machine/error.hpp"
#include "tests/replay/replay_fixture.hpp"

namespace shadowwalk::replay {
namespace {

using test::kHostThread;
using test::mixed_events;
using test::TraceEvent;
using test::TraceFile;
using test::TraceKind;
using testing::HasSubstr;

/// Takes what a feeder hands out, lane by lane, until `most` events or its end.
class Taken {
 public:
  Taken(const std::filesystem::path& file, const Feeder::Shape& shape, std::uint64_t most) : feeder(file, shape) {
    std::thread thread([this] {
      try {
        feeder.run();
      } catch (const InputError& caught) {
        error = caught.what();
      }
      ended.store(true);
    });
    std::uint64_t seen = 0;
    while (seen < most) {
      const bool over = ended.load();
      std::uint64_t found = 0;
      for (unsigned i = 0; i < shape.vcpus; ++i) found += take(feeder.vcpu_lane(i), by_lane[i]);
      if (shape.host_lane) found += take(feeder.host_lane(), by_lane[shape.vcpus]);
      seen += found;
      if (over && found == 0) break;
      if (found == 0) std::this_thread::yield();
    }
    feeder.stop();
    thread.join();
  }

  Feeder feeder;
  std::map<unsigned, std::vector<FedEvent>> by_lane;
  std::string error;

 private:
  std::uint64_t take(Lane& lane, std::vector<FedEvent>& into) {
    const auto there = lane.available();
    into.insert(into.end(), there.begin(), there.end());
    lane.done(there.size());
    return there.size();
  }

  std::atomic<bool> ended{false};
};

/// What lane `i` of `vcpus` must hand out of these events, `passes` times over.
std::vector<TraceEvent> expected(const std::vector<TraceEvent>& events, unsigned lane, unsigned vcpus, int passes,
                                 std::uint64_t pass) {
  std::vector<TraceEvent> all;
  for (int i = 0; i < passes; ++i) {
    for (TraceEvent event : events) {
      if (!is_replayable(event) || lane != (event.vcpu == kHostThread ? vcpus : event.vcpu % vcpus)) continue;
      event.time_ns += static_cast<std::uint64_t>(i) * pass;
      all.push_back(event);
    }
  }
  return all;
}

void expect_prefix(const std::vector<FedEvent>& fed, const std::vector<TraceEvent>& wanted) {
  ASSERT_GE(fed.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(fed[i].event, wanted[i]) << "event " << i;
}

TEST(Feeder, EachLaneGetsItsEventsOfTheFileInOrderPassAfterPass) {
  const std::vector<TraceEvent> events = mixed_events(30'000, 5);
  const TraceFile file(events);
  // Lanes are much shorter than a pass, and three vCPUs have to do what five did.
  Taken taken(file.path(), {.vcpus = 3, .host_lane = true, .ahead = 1000}, 90'000);
  EXPECT_EQ(taken.error, "");
  EXPECT_GE(taken.feeder.passes(), 2u);
  EXPECT_EQ(taken.feeder.skipped(), 0u);
  const std::uint64_t pass = pass_ns(taken.feeder.reader().info());
  for (unsigned lane = 0; lane <= 3; ++lane) {
    SCOPED_TRACE(lane);
    expect_prefix(taken.by_lane[lane], expected(events, lane, 3, 2, pass));
  }
}

TEST(Feeder, TheShippedTraceIsWhatItHandsOut) {
  trace::TraceReader reader(TRACES_DIR "/churn.swtrace");
  std::vector<TraceEvent> events;
  std::uint64_t skipped = 0;
  std::uint64_t in_zap_all = 0;
  for (const TraceEvent& event : read_all(reader)) {
    // In this trace each zap_all is followed by its 13 pages, on the same thread; a synchronisation may be among them.
    if (event.kind == TraceKind::zap_all) {
      in_zap_all = event.pages;
    } else if (event.vcpu == kHostThread && in_zap_all != 0 && is_replayable(event)) {
      --in_zap_all;
      continue;
    }
    skipped += is_replayable(event) ? 0 : 1;
    events.push_back(event);
  }
  EXPECT_EQ(skipped, 2510u + 391 + 391);
  Taken taken(TRACES_DIR "/churn.swtrace", {.vcpus = 2, .host_lane = true, .ahead = 1 << 13}, 20'000);
  EXPECT_EQ(taken.error, "");
  const std::uint64_t pass = pass_ns(reader.info());
  for (unsigned lane = 0; lane <= 2; ++lane) {
    SCOPED_TRACE(lane);
    expect_prefix(taken.by_lane[lane], expected(events, lane, 2, 2, pass));
  }
  EXPECT_GE(taken.feeder.covered_zaps(), 2 * 78u) << "6 times 13 a pass";
}

std::vector<TraceKind> kinds_of(const std::vector<FedEvent>& fed, std::size_t count) {
  std::vector<TraceKind> kinds;
  for (const FedEvent& one : fed) kinds.push_back(one.event.kind);
  kinds.resize(std::min(kinds.size(), count));
  return kinds;
}

TEST(Feeder, PagesAfterAZapOfEverythingBelongToItOnTheSameThreadOnly) {
  std::vector<TraceEvent> events;
  const auto add = [&](std::uint32_t vcpu, TraceKind kind, std::uint64_t pages) {
    events.push_back({events.size(), vcpu, kind, 0, pages});
  };
  add(0, TraceKind::read_fault, 1);
  add(kHostThread, TraceKind::zap_all, 3);
  add(kHostThread, TraceKind::zap_page, 512);  // of it
  add(0, TraceKind::zap_page, 512);            // another thread's
  add(kHostThread, TraceKind::pagetable_sync, 1);
  add(kHostThread, TraceKind::zap_table, 512);  // of it
  add(kHostThread, TraceKind::unmap_hva, 1);    // it was over by now
  add(kHostThread, TraceKind::zap_page, 512);   // one of its own
  add(0, TraceKind::zap_all, 0);                // with no page in use
  add(0, TraceKind::zap_page, 512);
  Taken taken(TraceFile(events).path(), {.vcpus = 1, .host_lane = true, .ahead = 64}, 7);
  EXPECT_EQ(taken.error, "");
  using enum TraceKind;
  EXPECT_THAT(kinds_of(taken.by_lane[0], 4), testing::ElementsAre(read_fault, zap_page, zap_all, zap_page));
  EXPECT_THAT(kinds_of(taken.by_lane[1], 3), testing::ElementsAre(zap_all, unmap_hva, zap_page));
}

TEST(Feeder, AZapOfEverythingHasAsManyPagesAsItTells) {
  const std::vector<TraceEvent> events = {{0, 0, TraceKind::read_fault, 0, 1},
                                          {1, kHostThread, TraceKind::zap_all, 0, 2},
                                          {2, kHostThread, TraceKind::zap_page, 0, 512},
                                          {3, kHostThread, TraceKind::zap_page, 512, 512},
                                          {4, kHostThread, TraceKind::zap_page, 1024, 512}};  // one of its own
  Taken taken(TraceFile(events).path(), {.vcpus = 1, .host_lane = true, .ahead = 64}, 3);
  expect_prefix(taken.by_lane[1], {events[1], events[4]});
}

// kvm_mmu_zap_all_fast counts the shadow MMU's pages only, then kvm_tdp_mmu_zap_invalidated_roots() zaps the old root.
TEST(Feeder, ATdpMmusZapOfEverythingLastsUntilItsThreadDoesSomethingElse) {
  using enum TraceKind;
  std::vector<TraceEvent> events;
  const auto add = [&](std::uint32_t vcpu, TraceKind kind, std::uint64_t pages) {
    events.push_back({events.size(), vcpu, kind, 0, pages});
  };
  add(0, read_fault, 1);
  add(kHostThread, zap_leaf, 1);  // before it
  add(kHostThread, zap_all, 0);
  add(kHostThread, zap_leaf, 1);
  add(0, zap_leaf, 1);  // another thread's
  add(0, read_fault, 1);
  for (int i = 0; i < 100; ++i) add(kHostThread, zap_leaf, 1);
  add(kHostThread, zap_page, 512);
  add(kHostThread, unmap_hva, 8);  // it is over; the leaves that this zaps follow
  add(kHostThread, zap_leaf, 1);
  Taken taken(TraceFile(events).path(), {.vcpus = 1, .host_lane = true, .ahead = 64}, 6);
  EXPECT_EQ(taken.error, "");
  EXPECT_THAT(kinds_of(taken.by_lane[0], 3), testing::ElementsAre(read_fault, zap_leaf, read_fault));
  EXPECT_THAT(kinds_of(taken.by_lane[1], 3), testing::ElementsAre(zap_leaf, zap_all, zap_leaf));
  EXPECT_GE(taken.feeder.covered_zaps(), 102u);
  EXPECT_GE(taken.feeder.skipped(), 1u) << "unmap_hva";
}

// handle_removed_tdp_mmu_page(): the page, then what was below it, pages before their own leaves.
TEST(Feeder, ATdpMmusZapOfAPageIsFollowedByWhatIsBelowIt) {
  using enum TraceKind;
  std::vector<TraceEvent> events;
  const auto add = [&](std::uint32_t vcpu, TraceKind kind, std::uint64_t gfn, std::uint64_t pages) {
    events.push_back({events.size(), vcpu, kind, gfn, pages});
  };
  add(0, read_fault, 1, 1);
  add(kHostThread, zap_page, 0, 512 * 512);
  add(kHostThread, zap_page, 512, 512);      // below it
  add(kHostThread, zap_leaf, 513, 1);        // below both
  add(0, zap_leaf, 514, 1);                  // another thread's
  add(kHostThread, zap_leaf, 7, 1);          // below the first
  add(kHostThread, zap_page, 0, 512 * 512);  // once more
  add(kHostThread, zap_leaf, 512 * 512, 1);  // beside it
  add(kHostThread, zap_leaf, 7, 1);          // it was over by now
  Taken taken(TraceFile(events).path(), {.vcpus = 1, .host_lane = true, .ahead = 64}, 6);
  EXPECT_EQ(taken.error, "");
  EXPECT_THAT(kinds_of(taken.by_lane[0], 2), testing::ElementsAre(read_fault, zap_leaf));
  EXPECT_THAT(kinds_of(taken.by_lane[1], 4), testing::ElementsAre(zap_page, zap_page, zap_leaf, zap_leaf));
  EXPECT_GE(taken.feeder.covered_zaps(), 3u);
}

TEST(Feeder, ARangeOfANotifierIsReplayedWhereItsLeavesAreNotInTheTrace) {
  const std::vector<TraceEvent> events = {{0, 0, TraceKind::read_fault, 0, 1},
                                          {1, kHostThread, TraceKind::zap_all, 0, 0},
                                          {2, kHostThread, TraceKind::unmap_hva, 77, 8},
                                          {3, kHostThread, TraceKind::zap_page, 0, 512}};
  Taken taken(TraceFile(events).path(), {.vcpus = 1, .host_lane = true, .ahead = 64}, 4);
  expect_prefix(taken.by_lane[1], {events[1], events[2], events[3]});
  EXPECT_EQ(taken.feeder.covered_zaps(), 0u);
}

TEST(Feeder, APassIsCountedWhenItIsDone) {
  const TraceFile file(mixed_events(100, 1));
  Feeder feeder(file.path(), {.vcpus = 1, .host_lane = true, .ahead = 1024});
  std::thread thread([&] { feeder.run(); });
  while (feeder.vcpu_lane(0).available().size() < 200) std::this_thread::yield();  // two passes ahead
  feeder.vcpu_lane(0).done(150);
  while (feeder.host_lane().available().size() < 20) std::this_thread::yield();
  feeder.host_lane().done(15);
  feeder.stop();
  thread.join();
  EXPECT_EQ(feeder.passes(), 1u);
}

TEST(Feeder, ATracesEndEndsAZapOfEverything) {
  const std::vector<TraceEvent> events = {{0, kHostThread, TraceKind::zap_page, 0, 512},
                                          {1, 0, TraceKind::read_fault, 0, 1},
                                          {2, kHostThread, TraceKind::zap_all, 0, 5}};
  Taken taken(TraceFile(events).path(), {.vcpus = 1, .host_lane = true, .ahead = 64}, 6);
  expect_prefix(taken.by_lane[1], expected(events, 1, 1, 2, pass_ns(taken.feeder.reader().info())));
}

TEST(Feeder, NoThreadIsFedWhileAnotherIsTooFarBehind) {
  const TraceFile file(mixed_events(10'000, 2));
  Feeder feeder(file.path(), {.vcpus = 2, .host_lane = true, .ahead = 256});
  std::thread thread([&] { feeder.run(); });
  // Lane 1 takes all it gets; nobody does what is in lane 0 and in the host's.
  std::uint64_t greatest = 0;
  std::uint64_t seen = 0;
  while (seen < 100) {
    const auto there = feeder.vcpu_lane(1).available();
    seen += there.size();
    if (!there.empty()) greatest = there.back().number;
    feeder.vcpu_lane(1).done(there.size());
    std::this_thread::yield();
  }
  const std::uint64_t oldest = feeder.vcpu_lane(0).available().front().number;
  feeder.stop();
  thread.join();
  const auto last = feeder.vcpu_lane(1).available();
  if (!last.empty()) greatest = last.back().number;
  EXPECT_LT(greatest, oldest + 256);
}

std::string error_of(const std::vector<TraceEvent>& events, bool host_lane = true) {
  const TraceFile file(events);
  return Taken(file.path(), {.vcpus = 1, .host_lane = host_lane, .ahead = 64}, UINT64_MAX).error;
}

TEST(Feeder, RefusesAPageBeyondTheWindowAndTellsTheEvent) {
  const std::uint64_t beyond = std::uint64_t{1} << 36;
  EXPECT_THAT(error_of({{0, 0, TraceKind::read_fault, 1, 1}, {1, 0, TraceKind::mmio_fault, beyond, 1}}),
              HasSubstr("made-up.swtrace: event 1 (mmio_fault): gfn 0x1000000000 is beyond the lab's 2^36 pages"));
  EXPECT_THAT(error_of({{0, 0, TraceKind::zap_leaf, beyond, 1}}), HasSubstr("event 0 (zap_leaf)"));
}

TEST(Feeder, RefusesAHostThreadThatTheEndRecordDoesNotPromise) {
  EXPECT_THAT(error_of({{0, 0, TraceKind::read_fault, 1, 1}, {0, kHostThread, TraceKind::zap_all, 0, 1}}, false),
              HasSubstr("event 1 (zap_all) is of a thread that runs no vCPU"));
}

TEST(Feeder, RefusesATraceWithNothingToReplay) {
  EXPECT_THAT(error_of({{0, 0, TraceKind::guest_walk, 1, 1}, {0, 0, TraceKind::read_fault, trace::kUnknownGfn, 1}}),
              HasSubstr("none of its events can be replayed"));
}

TEST(Feeder, AHostVirtualPageNumberMayBeLarge) {
  const TraceFile file({{0, 0, TraceKind::unmap_hva, std::uint64_t{1} << 50, 7}});
  EXPECT_EQ(Taken(file.path(), {.vcpus = 1, .host_lane = false, .ahead = 64}, 5).error, "");
}

TEST(Feeder, ACorruptBlockInTheMiddleEndsItAfterWhatIsSound) {
  const std::vector<TraceEvent> events = mixed_events(200'000, 2);
  const TraceFile file(events);
  file.spoil(0.5);
  Taken taken(file.path(), {.vcpus = 1, .host_lane = true, .ahead = 1000}, UINT64_MAX);
  EXPECT_THAT(taken.error, HasSubstr("made-up.swtrace: byte "));
  EXPECT_GT(taken.by_lane[0].size(), 10'000u);
  EXPECT_LT(taken.by_lane[0].size(), 180'000u);
}

}  // namespace
}  // namespace shadowwalk::replay
